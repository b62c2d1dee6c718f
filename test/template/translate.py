"""Prints templates as JSON.

    translate.py read TEMPLATE       as it stands, with the short forms of functions written out
    translate.py cloudformation TEMPLATE [NAME=VALUE...]   as CloudFormation gets it: after the transform of AWS SAM, with
        these parameters
    translate.py all FOLDER TEMPLATE...   each as CloudFormation gets it, into FOLDER
"""

import json
import logging
import pathlib
import sys

from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform


class NoManagedPolicies:
    """Keeps the translator from asking AWS for a list: the templates name no managed policy."""

    def load(self):
        return {}


def cloudformation(template, parameters):
    # The translator accepts only code in S3; the placeholder here is never read.
    for resource in [template.get("Globals", {}).get("Function", {})] + [
        r["Properties"] for r in template["Resources"].values() if r["Type"] == "AWS::Serverless::Function"
    ]:
        if "CodeUri" in resource:
            resource["CodeUri"] = "s3://bucket/code.zip"
    return transform(template, parameters, NoManagedPolicies())


def read(path):
    return yaml_parse(pathlib.Path(path).read_text(encoding="utf-8"))


def main():
    logging.disable(logging.WARNING)
    verb, path, *more = sys.argv[1:]
    if verb == "all":
        for template in map(pathlib.Path, more):
            translated = json.dumps(cloudformation(read(template), {}), indent=1)
            pathlib.Path(path, template.stem + ".json").write_text(translated, encoding="utf-8")
        return
    template = read(path)
    if verb == "cloudformation":
        template = cloudformation(template, dict(p.split("=", 1) for p in more))
    json.dump(template, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
