"""Holds commands of aws and sam to what these programs accept.

Reads a JSON list of commands from standard input, each an object with the members "at", "words", "folder" and "part",
and prints a JSON list of sentences, one for each fault.

For aws, botocore's models have every service, operation, waiter and parameter, and the shape of each answer for
--query. The AWS CLI is written around the same models. It adds few commands of its own: CUSTOM has those that the
pages use. For sam, SAM CLI itself reads the words. Parameters of a template are held to that template.
"""

import datetime
import importlib
import json
import pathlib
import re
import sys

import botocore.session
import botocore.validate
import jmespath
from botocore import xform_name

UNKNOWN = "<unknown>"
ROOT = pathlib.Path(__file__).resolve().parents[2]

# Options of every command. The value says whether a value follows.
GLOBAL = {
    "query": True, "output": True, "region": True, "profile": True, "endpoint-url": True,
    "no-cli-pager": False, "no-paginate": False, "max-items": True, "page-size": True, "starting-token": True,
}
OUTPUTS = ["json", "text", "table", "yaml", "yaml-stream"]

# Commands that the AWS CLI adds to the models, from its reference: the number of arguments, and the options
# with whether a value follows.
CUSTOM = {
    ("cloudformation", "deploy"): (0, {
        "template-file": True, "stack-name": True, "s3-bucket": True, "s3-prefix": True, "kms-key-id": True, "role-arn": True,
        "parameter-overrides": True, "capabilities": True, "notification-arns": True, "tags": True, "force-upload": False,
        "no-execute-changeset": False, "disable-rollback": False, "no-fail-on-empty-changeset": False,
    }),
    ("configure", "export-credentials"): (0, {"format": True}),
    ("configure", "list-profiles"): (0, {}),
    ("logs", "tail"): (1, {
        "since": True, "format": True, "filter-pattern": True, "log-stream-names": True, "log-stream-name-prefix": True, "follow": False,
    }),
    ("s3", "sync"): (2, {
        "cache-control": True, "content-type": True, "exclude": True, "include": True, "acl": True, "delete": False,
        "dryrun": False, "size-only": False, "exact-timestamps": False, "no-progress": False, "quiet": False,
    }),
    ("sso", "login"): (0, {"sso-session": True, "no-browser": False, "use-device-code": False}),
}

# Options that the AWS CLI gives another name than the models, from its reference.
RENAMED = {
    ("sns", "subscribe"): {"notification-endpoint": "endpoint"},
}

session = botocore.session.get_session()


class Fault(Exception):
    pass


def split(words):
    """Splits the words after the operation into arguments and options: a name and its values."""
    arguments, options = [], []
    for word in words:
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            if name in dict(options):
                raise Fault(f"--{name} is there twice")
            options.append((name, [value] if equals else []))
        elif options:
            options[-1][1].append(word)
        else:
            arguments.append(word)
    return arguments, dict(options)


class Call:
    """A call of an operation, or a waiter, that a command of aws makes."""

    def __init__(self, service, operation, waiter, parameters, options):
        self.service, self.operation, self.waiter = service, operation, waiter
        self.parameters, self.options = parameters, options


def aws(words, folder, part):
    """Returns the Call of a command, or None if the AWS CLI has added the command to the models."""
    if words == ["configure"]:
        return None
    if len(words) < 2 or words[0].startswith("-"):
        raise Fault("a service and an operation must come first")
    service, operation, rest = words[0], words[1], words[2:]
    if (service, operation) in CUSTOM:
        return None if part and not rest else custom(service, operation, rest, folder)
    if service not in session.get_available_services():
        raise Fault(f"aws has no service {service}")
    model = session.get_service_model(service)
    names = {xform_name(name, "-"): name for name in model.operation_names}
    waiter = None
    if operation == "wait":
        waiters = session.get_waiter_model(service)
        known = {xform_name(name, "-"): name for name in waiters.waiter_names}
        if not rest or rest[0] not in known:
            raise Fault(f"aws {service} wait has no {' '.join(rest[:1])}")
        waiter, rest = known[rest[0]], rest[1:]
        operation = xform_name(waiters.get_waiter(waiter).operation, "-")
    if operation not in names:
        raise Fault(f"aws {service} has no operation {operation}")
    arguments, options = split(rest)
    if arguments:
        raise Fault(f"{' '.join(arguments)} belongs to no option")
    renamed = RENAMED.get((service, operation), {})
    for name in set(options) & set(renamed.values()):
        raise Fault(f"{operation} has no option --{name}")
    options = {renamed.get(name, name): values for name, values in options.items()}
    parameters = judged(model.operation_model(names[operation]), options, part)
    return Call(service, names[operation], waiter, parameters, options)


def judged(model, options, part):
    """Holds options to an operation, and returns its parameters. A part may leave out what the operation needs."""
    shape = model.input_shape
    members = {xform_name(name, "-"): name for name in shape.members} if shape else {}
    parameters = {}
    for name, values in options.items():
        positive = name.removeprefix("no-")
        if name in GLOBAL:
            if len(values) != GLOBAL[name]:
                raise Fault(f"--{name} has {len(values)} values")
        elif name in members:
            parameters[members[name]] = value(shape.members[members[name]], values, name)
        elif positive in members and shape.members[members[positive]].type_name == "boolean":
            if values:
                raise Fault(f"{' '.join(values)} follows --{name}, which takes no value")
            parameters[members[positive]] = False
        else:
            raise Fault(f"{xform_name(model.name, '-')} has no option --{name}")
    if shape:
        report = botocore.validate.ParamValidator().validate(parameters, shape)
        if report.has_errors() and not (part and set(shape.required_members) - set(parameters)):
            raise Fault(report.generate_report())
    output = options.get("output", ["json"])[0]
    if output not in OUTPUTS:
        raise Fault(f"--output {output} (want {', '.join(OUTPUTS)})")
    if "query" in options:
        query(options["query"][0], model.output_shape)
    return parameters


def value(shape, values, name):
    """Reads the values of an option as the AWS CLI does: JSON, or its shorthand A=b,C=d."""
    kind = shape.type_name
    if kind == "boolean":
        if values:
            raise Fault(f"{' '.join(values)} follows --{name}, which takes no value")
        return True
    if not values:
        raise Fault(f"--{name} has no value")
    if kind == "list":
        return [scalar(shape.member, word, name) for word in values]
    if len(values) > 1:
        raise Fault(f"--{name} has {len(values)} values")
    return scalar(shape, values[0], name)


def scalar(shape, word, name):
    kind = shape.type_name
    if kind in ("structure", "list", "map"):
        if word[:1] in "[{":
            return json.loads(word)
        if kind != "structure":
            raise Fault(f"--{name} {word} is not JSON")
        found = {}
        for part in word.split(","):
            key, equals, text = part.partition("=")
            if not equals or key not in shape.members:
                raise Fault(f"--{name} has the part {part} (want {', '.join(shape.members)})")
            member = shape.members[key]
            found[key] = [scalar(member.member, text, name)] if member.type_name == "list" else scalar(member, text, name)
        return found
    if UNKNOWN in word:
        some = {"integer": 1, "long": 1, "float": 1.0, "double": 1.0, "boolean": True, "timestamp": datetime.datetime.now()}
        return some.get(kind, "x" * 40)
    if kind in ("integer", "long"):
        return int(word)
    if kind == "boolean":
        if word not in ("true", "false"):
            raise Fault(f"--{name} {word} (want true or false)")
        return word == "true"
    if getattr(shape, "enum", None) and word not in shape.enum:
        raise Fault(f"--{name} {word} (want {', '.join(shape.enum)})")
    return word


def query(text, shape):
    """Holds a JMESPath to the shape of an answer."""
    try:
        tree = jmespath.compile(text).parsed
    except jmespath.exceptions.JMESPathError as e:
        raise Fault(f"--query {text}: {e}") from e
    walk(tree, shape, text)


def walk(node, shape, text):
    """Returns the shape to which a node of a JMESPath leads. None is a shape that is not known."""
    kind, children = node["type"], node["children"]
    if kind == "field":
        if shape is None:
            return None
        if shape.type_name == "map":
            return shape.value
        if shape.type_name != "structure" or node["value"] not in shape.members:
            raise Fault(f"--query {text}: {shape.name} has no member {node['value']}")
        return shape.members[node["value"]]
    if kind in ("subexpression", "index_expression", "pipe"):
        for child in children:
            shape = walk(child, shape, text)
        return shape
    if kind in ("current", "identity"):
        return shape
    if kind == "index":
        return listed(shape, text)
    if kind in ("flatten", "slice"):
        return walk(children[0], shape, text) if children else shape
    if kind in ("projection", "filter_projection"):
        inner = listed(walk(children[0], shape, text), text)
        for child in children[1:]:  # what is taken of each element, and the condition of a filter
            walk(child, inner, text)
        return None
    for child in children:  # functions, comparisons and lists of expressions
        walk(child, shape, text)
    return None


def listed(shape, text):
    if shape is None:
        return None
    if shape.type_name != "list":
        raise Fault(f"--query {text}: {shape.name} is no list")
    return shape.member


def custom(service, operation, words, folder):
    count, known = CUSTOM[service, operation]
    positional, options = words[:count], words[count:]
    if len(positional) < count or any(word.startswith("--") for word in positional):
        raise Fault(f"aws {service} {operation} takes {count} arguments first")
    arguments, options = split(options)
    if arguments:
        raise Fault(f"{' '.join(arguments)} belongs to no option")
    for name, values in options.items():
        takes = known.get(name, GLOBAL.get(name))
        if takes is None:
            raise Fault(f"aws {service} {operation} has no option --{name}")
        if takes != bool(values):
            raise Fault(f"--{name} has {len(values)} values")
    if operation == "deploy":
        for name in ("template-file", "stack-name"):
            if name not in options:
                raise Fault(f"--{name} is missing")
        template = options["template-file"][0]
        if (folder / template).stat().st_size > 51200 and "s3-bucket" not in options:
            raise Fault(f"{template} has more than 51,200 bytes, so it needs --s3-bucket")
        given = overrides(options.get("parameter-overrides", []), folder / template)
        for name, parameter in parsed(folder / template).get("Parameters", {}).items():
            if "Default" not in parameter and name not in given:
                raise Fault(f"{template} needs a value for {name}")
        roles = [r for r in parsed(folder / template)["Resources"].values() if r["Type"].startswith("AWS::IAM::")]
        if roles and not options.get("capabilities"):
            raise Fault(f"{template} makes roles, so it needs --capabilities CAPABILITY_IAM")


templates = {}


def parsed(path):
    from samcli.yamlhelper import yaml_parse  # late, since aws.py does not need it

    if path not in templates:
        templates[path] = yaml_parse(path.read_text())
    return templates[path]


def overrides(words, template):
    """Holds Name=value to the parameters of a template."""
    known, names = parsed(template).get("Parameters", {}), []
    for word in words:
        name, equals, text = word.partition("=")
        if UNKNOWN in name:
            continue
        if not equals or name not in known:
            raise Fault(f"{template.name} has no parameter {name}")
        if name in names:
            raise Fault(f"{name} is there twice")
        names.append(name)
        text, parameter = text.strip("'\""), known[name]
        if UNKNOWN in text or not text:
            continue
        allowed = [str(v) for v in parameter.get("AllowedValues", [])]
        if allowed and text not in allowed:
            raise Fault(f"{name}={text} (want {', '.join(allowed)})")
        if "AllowedPattern" in parameter and not re.fullmatch(parameter["AllowedPattern"], text):
            raise Fault(f"{name}={text} does not match {parameter['AllowedPattern']}")
        low, high = float(parameter.get("MinValue", 0)), float(parameter.get("MaxValue", "inf"))
        if parameter["Type"] == "Number" and not low <= float(text) <= high:
            raise Fault(f"{name}={text} is out of bounds")
    return names


def sam(words, folder, part):
    import click

    at = {"build": "build", "deploy": "deploy", "delete": "delete"}
    at = at.get(words[0], f"local.{words[1]}" if words[0] == "local" and words[1] in ("invoke", "start-api") else None)
    if at is None:
        raise Fault(f"no check knows sam {words[0]}")
    if part and words[0] == "local":
        return
    command = importlib.import_module("samcli.commands." + at).cli
    try:
        # The callbacks of the options would read samconfig.toml and ask for credentials.
        values, arguments, _ = command.make_parser(click.Context(command)).parse_args(args=list(words[1:]))
    except click.UsageError as e:
        raise Fault(f"sam {words[0]}: {e.format_message()}") from e
    if arguments:
        raise Fault(f"sam {words[0]} takes no {' '.join(arguments)}")
    for option in command.params:
        given = values.get(option.name)
        if isinstance(option.type, click.Choice) and given is not None and given not in option.type.choices:
            raise Fault(f"sam {words[0]}: {given} (want {', '.join(option.type.choices)})")
    template = folder / (values.get("template_file") or values.get("template") or "template.yaml")
    if words[0] != "delete" and not template.exists():
        if not (words[0] == "deploy" and folder != ROOT):  # it takes what sam build made
            raise Fault(f"there is no {template.relative_to(ROOT)}")
    stage = values.get("config_env")
    if stage and f"[{stage}.{words[0]}.parameters]" not in (folder / "samconfig.toml").read_text():
        raise Fault(f"samconfig.toml has no stage {stage}")
    given = values.get("parameter_overrides")
    if given and template.exists():
        overrides([word for group in given for word in ([group] if isinstance(group, str) else group)], template)


def main():
    problems = []
    for command in json.load(sys.stdin):
        words = command["words"]
        try:
            {"aws": aws, "sam": sam}[words[0]](words[1:], ROOT / command["folder"], command["part"])
        except (Fault, ValueError) as e:
            problems.append(f"{command['at']}: {' '.join(words)}: {e}")
    json.dump(problems, sys.stdout)


if __name__ == "__main__":
    main()
