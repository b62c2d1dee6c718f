"""Runs a command of the pages that begins with aws, against the emulator.

It stands in the place of the AWS CLI, which is not fetched. It reads the words as test/document/commands.py judges
them, and calls botocore, around which the AWS CLI is written. Of the commands that the AWS CLI adds, it has "logs tail".
"""

import pathlib
import re
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "document"))
import commands
import jmespath
from botocore import xform_name


def client(service):
    return commands.session.create_client(service)


def lines(value):
    """Returns the lines of --output text: the elements of a list in columns."""
    if not isinstance(value, list):
        return [str(value)]
    if any(isinstance(v, list) for v in value):
        return [line for v in value for line in lines(v)]
    return ["\t".join(map(str, value))]


def main():
    words = sys.argv[1:]
    call = commands.aws(words, commands.ROOT, False)
    if call is None:
        if words[:2] != ["logs", "tail"]:
            sys.exit(f"no such command here: aws {' '.join(words)}")
        minutes = int(re.fullmatch(r"(\d+)m", words[words.index("--since") + 1])[1])
        since = int((time.time() - 60 * minutes) * 1000)
        found = client("logs").filter_log_events(logGroupName=words[2], startTime=since)
        print("\n".join(e["message"].rstrip() for e in found["events"]))
        return
    of = client(call.service)
    if call.waiter:
        of.get_waiter(xform_name(call.waiter)).wait(**call.parameters)
        return
    method = xform_name(call.operation)
    if of.can_paginate(method):
        answer = of.get_paginator(method).paginate(**call.parameters).build_full_result()
    else:
        answer = getattr(of, method)(**call.parameters)
    answer.pop("ResponseMetadata", None)
    if "query" in call.options:
        answer = jmespath.search(call.options["query"][0], answer)
    print("\n".join(lines(answer)))


main()
