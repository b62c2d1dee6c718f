"""Starts MiniStack with corrections, so that it treats template.yaml as AWS does.

MiniStack emulates CloudFormation, Lambda, API Gateway, IAM, DynamoDB, Secrets Manager and more in one
process, and runs the functions' own binaries. Where it differs from AWS in what a stack of edgeauth
needs, a section below replaces the function. Each section says what AWS does.

The version of MiniStack is pinned in requirements.txt. A correction that no longer fits a later
version fails at the start, because it names what it replaces.
"""

import contextvars
import email.utils
import json
import socket
import sys

import samtranslator.translator.transform as sam
from ministack import app
from ministack.core import responses
from ministack.services import ses_v2
from ministack.services.cloudformation import changesets, engine, handlers, provisioners

RESOURCES = provisioners._RESOURCE_HANDLERS


# --- AWS::SecretsManager::Secret ---
#
# AWS: Ref of a secret is its ARN. A secret without SecretString and GenerateSecretString has no
# version, so GetSecretValue fails with ResourceNotFoundException.

secrets = provisioners._sm._secrets
secret = RESOURCES["AWS::SecretsManager::Secret"]
secret_create, secret_update, secret_delete = secret["create"], secret["update"], secret["delete"]


def name_of(arn):
    return next((name for name, entry in list(secrets.items()) if entry["ARN"] == arn), arn)


def create_secret(logical_id, props, stack_name):
    name = props.get("Name") or provisioners._physical_name(stack_name, logical_id)
    _, attributes = secret_create(logical_id, {**props, "Name": name}, stack_name)
    if "SecretString" not in props and "GenerateSecretString" not in props:
        secrets[name]["Versions"] = {}
    return attributes["Arn"], attributes


def update_secret(physical_id, old, new, stack_name, logical_id=None):
    _, attributes = secret_update(name_of(physical_id), old, new, stack_name, logical_id)
    return attributes["Arn"], attributes


secret["create"] = create_secret
secret["update"] = update_secret
secret["delete"] = lambda physical_id, props: secret_delete(name_of(physical_id), props)


# --- AWS::DynamoDB::Table ---
#
# AWS: a table with DeletionProtectionEnabled cannot be deleted, not even by CloudFormation.
# MiniStack refuses only the operation DeleteTable. CloudFormation switches expiry and point-in-time
# recovery on; MiniStack leaves both off.

tables = provisioners._dynamodb._tables
table = RESOURCES["AWS::DynamoDB::Table"]
table_create, table_update, table_delete = table["create"], table["update"], table["delete"]


def apply_settings(name, props):
    ttl = props.get("TimeToLiveSpecification")
    if ttl:
        provisioners._dynamodb._ttl_settings[name] = {
            "TimeToLiveStatus": "ENABLED" if str(ttl["Enabled"]).lower() == "true" else "DISABLED",
            "AttributeName": ttl["AttributeName"],
        }
    recovery = props.get("PointInTimeRecoverySpecification")
    if recovery:
        provisioners._dynamodb._pitr_settings[name] = str(recovery["PointInTimeRecoveryEnabled"]).lower() == "true"


def create_table(logical_id, props, stack_name):
    name, attributes = table_create(logical_id, props, stack_name)
    apply_settings(name, props)
    return name, attributes


def update_table(physical_id, old, new, stack_name, logical_id=None):
    answer = table_update(physical_id, old, new, stack_name, logical_id)
    apply_settings(answer[0], {name: value for name, value in new.items() if old.get(name) != value})
    return answer


def delete_table(physical_id, props):
    if tables.get(physical_id, {}).get("DeletionProtectionEnabled"):
        raise ValueError(f"Resource cannot be deleted as it is currently protected against deletion: {physical_id}")
    table_delete(physical_id, props)


table["create"] = create_table
table["update"] = update_table
table["delete"] = delete_table


# --- AWS::IAM::Role ---
#
# AWS: a role has the boundary of its template, which must be an existing policy. MiniStack evaluates
# boundaries, and CloudFormation does not set them.

role = RESOURCES["AWS::IAM::Role"]
role_create, role_update = role["create"], role["update"]


def bound(name, props):
    boundary = props.get("PermissionsBoundary")
    if boundary:
        answer = provisioners._iam._put_role_permissions_boundary({"RoleName": [name], "PermissionsBoundary": [boundary]})
        if answer[0] >= 400:
            raise ValueError(answer[2])
    else:
        provisioners._iam._roles[name]["PermissionsBoundary"] = None


def create_role(logical_id, props, stack_name):
    name, attributes = role_create(logical_id, props, stack_name)
    bound(name, props)
    return name, attributes


def update_role(physical_id, old, new, stack_name, logical_id=None):
    name, attributes = role_update(physical_id, old, new, stack_name, logical_id)
    bound(name, new)
    return name, attributes


role["create"] = create_role
role["update"] = update_role


# --- Transform: AWS::Serverless-2016-10-31 ---
#
# AWS: the transform gets the values of the parameters. The value of a parameter of the type
# AWS::SSM::Parameter::Value is what the named parameter holds.

parameters = contextvars.ContextVar("parameters", default={})
sam_transform, apply_transforms = sam.transform, engine._apply_transforms


def transform_with_values(template, _, policies):
    return sam_transform(template, dict(parameters.get()), policies)


def apply_with_values(template, provided=None, previous=None):
    token = parameters.set(engine._transform_parameters(template, provided, previous))
    try:
        return apply_transforms(template, provided, previous)
    finally:
        parameters.reset(token)


sam.transform = transform_with_values
for module in (engine, changesets, handlers):
    module._apply_transforms = apply_with_values


# --- AWS::ApiGatewayV2::Api with a Body ---
#
# AWS: the OpenAPI document in Body defines the routes, integrations and authorizers of the API.
# AWS::Serverless::HttpApi is translated to such a document.

gateway = provisioners._apigw_v2
api = RESOURCES["AWS::ApiGatewayV2::Api"]
api_create = api["create"]


def made(answer, key):
    """Returns a member of the answer of an operation of API Gateway, which must have succeeded."""
    status, _, body = answer
    if status >= 400:
        raise ValueError(body)
    return json.loads(body)[key]


def authorizer_of(name, scheme):
    """Converts a security scheme to the parameters of CreateAuthorizer."""
    extension = scheme["x-amazon-apigateway-authorizer"]
    sources = extension["identitySource"]
    wanted = {
        "name": name,
        "authorizerType": extension["type"].upper(),
        "identitySource": sources if isinstance(sources, list) else [s.strip() for s in sources.split(",")],
    }
    if wanted["authorizerType"] == "JWT":
        jwt = extension["jwtConfiguration"]
        wanted["jwtConfiguration"] = {"issuer": jwt["issuer"], "audience": jwt["audience"]}
    else:
        wanted["authorizerUri"] = extension["authorizerUri"]
        wanted["authorizerPayloadFormatVersion"] = extension["authorizerPayloadFormatVersion"]
        wanted["enableSimpleResponses"] = extension.get("enableSimpleResponses", False)
        wanted["authorizerResultTtlInSeconds"] = extension.get("authorizerResultTtlInSeconds", 300)
    return wanted


def load(api_id, body):
    authorizers = {}
    for name, scheme in body.get("components", {}).get("securitySchemes", {}).items():
        wanted = authorizer_of(name, scheme)
        kind = "JWT" if wanted["authorizerType"] == "JWT" else "CUSTOM"
        authorizers[name] = (made(gateway._create_authorizer(api_id, wanted), "authorizerId"), kind)
    for path, operations in body.get("paths", {}).items():
        for method, operation in operations.items():
            integration = operation.get("x-amazon-apigateway-integration")
            if integration is None:  # not an operation, or one without a backend
                continue
            integration_id = made(
                gateway._create_integration(
                    api_id,
                    {
                        "integrationType": integration["type"].upper(),
                        "integrationUri": integration["uri"],
                        "payloadFormatVersion": integration.get("payloadFormatVersion", "2.0"),
                        "requestParameters": integration.get("requestParameters", {}),
                    },
                ),
                "integrationId",
            )
            verb = "ANY" if method == "x-amazon-apigateway-any-method" else method.upper()
            route = {
                "routeKey": "$default" if path == "/$default" else f"{verb} {path}",
                "target": f"integrations/{integration_id}",
            }
            for requirement in operation.get("security", []):
                for name, scopes in requirement.items():
                    authorizer_id, kind = authorizers[name]
                    route.update(authorizerId=authorizer_id, authorizationType=kind, authorizationScopes=scopes)
            made(gateway._create_route(api_id, route), "routeId")
    if "x-amazon-apigateway-cors" in body:
        gateway._apis[api_id]["corsConfiguration"] = body["x-amazon-apigateway-cors"]


def create_api(logical_id, props, stack_name):
    body = props.get("Body")
    if body is None:
        return api_create(logical_id, props, stack_name)
    api_id, attributes = api_create(logical_id, {**props, "Name": props.get("Name") or body["info"]["title"]}, stack_name)
    load(api_id, body)
    return api_id, attributes


api["create"] = create_api


# --- AWS::CloudFormation::Stack ---
#
# AWS: the template of a nested stack goes through its transform, with the values of its parameters.

nested_parameters = contextvars.ContextVar("nested_parameters", default=None)
parse_template, deploy_nested = engine._parse_template, provisioners._cfn_nested_stack_deploy


def parse_nested(text):
    template, given = parse_template(text), nested_parameters.get()
    if given is None:
        return template
    nested_parameters.set(None)
    return apply_with_values(template, [{"Key": name, "Value": str(value)} for name, value in given.items()])


def deploy_transformed(logical_id, props, *parent, **previous):
    token = nested_parameters.set(props.get("Parameters") or {})
    try:
        return deploy_nested(logical_id, props, *parent, **previous)
    finally:
        nested_parameters.reset(token)


engine._parse_template = parse_nested
provisioners._cfn_nested_stack_deploy = deploy_transformed


# --- DisableExecuteApiEndpoint ---
#
# AWS: the default address of an HTTP API that disables it answers 404.

execute_api = app._handle_execute_api_request


async def execute_unless_disabled(host, path, *request, **more):
    asked = app._parse_execute_api_url(host, path)
    entry = gateway._apis.get(asked[0]) if asked else None
    if entry and str(entry.get("disableExecuteApiEndpoint")).lower() == "true":
        return gateway._http_api_not_found()
    return await execute_api(host, path, *request, **more)


app._handle_execute_api_request = execute_unless_disabled


# --- HTTP integrations of HTTP APIs ---
#
# AWS: the greedy variable in the URI of an integration is replaced by the path of the request, and
# $context.authorizer.KEY is a value of the context that a Lambda authorizer returned. MiniStack
# appends the path to the URI, and calls the value $context.authorizer.lambda.KEY.
#
# AWS does not document what happens to a header of the client if the value that should overwrite it
# is missing. MiniStack leaves the header in place, which is the worst case.

http_proxy, mapping_atom = gateway._invoke_http_proxy, gateway._resolve_mapping_atom


async def forward(integration, path, *request):
    uri = integration["integrationUri"].replace("{proxy}", path.removeprefix("/"))
    return await http_proxy({**integration, "integrationUri": uri}, "", *request)


def context_value(expression, **sources):
    context = sources["context_vars"]["authorizer.lambda"]
    variable = expression.removeprefix("$context.authorizer.")
    return context[variable] if variable != expression and variable in context else mapping_atom(expression, **sources)


gateway._invoke_http_proxy = forward
gateway._resolve_mapping_atom = context_value


# --- AWS::Lambda::Version ---
#
# AWS, as users report it: PublishVersion returns the latest version again if neither the code nor
# the configuration differs from it, and CloudFormation then fails the deployment. MiniStack
# compares a revision, which every update changes, even an update without effect.

version = RESOURCES["AWS::Lambda::Version"]
version_create, version_update = version["create"], version["update"]

# The parts of a configuration that differ between a version and an equal $LATEST.
NOT_COMPARED = {
    "RevisionId", "Version", "FunctionArn", "LastModified", "Description", "State", "StateReason",
    "StateReasonCode", "LastUpdateStatus", "LastUpdateStatusReason", "LastUpdateStatusReasonCode",
}  # fmt: skip


def compared(config):
    return {name: value for name, value in config.items() if name not in NOT_COMPARED}


def create_version(logical_id, props, stack_name):
    function, _ = provisioners._lambda_version_function(props)
    if function and function["versions"]:
        latest = function["versions"][max(function["versions"], key=int)]["config"]
        if compared(latest) == compared(function["config"]):
            raise ValueError(
                f"Version already exists: [{latest['FunctionArn']}]. Please modify the function to create a new version."
            )
    return version_create(logical_id, props, stack_name)


version["create"] = create_version
provisioners._lambda_version_create = create_version  # version_update calls it by this name


# --- Policies of Amazon SES ---
#
# AWS: SendEmail needs permission for the identity of the sender and for the configuration set, and
# the condition key ses:FromAddress is the sender's address. MiniStack supports neither.

enforce_ses = app._enforce_ses_v2


def enforce_ses_with_sender(method, path, headers, body, query_params, request_id):
    if (method, path) != ("POST", "/v2/email/outbound-emails"):
        return enforce_ses(method, path, headers, body, query_params, request_id)
    mail = json.loads(body)
    sender = email.utils.parseaddr(mail["FromEmailAddress"])[1]
    known = ses_v2._identities
    names = ["identity/" + next((name for name in (sender, sender.partition("@")[2]) if name in known), sender)]
    if "ConfigurationSetName" in mail:
        names.append("configuration-set/" + mail["ConfigurationSetName"])
    for name in names:
        arn = f"arn:aws:ses:{app.extract_region(headers, query_params)}:{responses.get_account_id()}:{name}"
        denied = app._enforce_data_plane(
            "sesv2", "ses:SendEmail", headers, query_params, request_id, resource_arn=arn, named_resource=arn,
            service_context={"ses:FromAddress": sender},
        )
        if denied:
            return denied
    return None


app._enforce_ses_v2 = enforce_ses_with_sender


# --- Addresses ---
#
# The gateway's JWT authorizer fetches the keys of the issuer. The issuer is a name under localhost,
# which is this machine (RFC 6761, section 6.3); not every resolver supports these names.

getaddrinfo = socket.getaddrinfo


def resolve(host, *args, **kwargs):
    local = isinstance(host, str) and host.endswith(".localhost")
    return getaddrinfo("127.0.0.1" if local else host, *args, **kwargs)


socket.getaddrinfo = resolve

# MiniStack also listens at port 443 if it can. It must use only its own port.
port_is_bindable = app._port_is_bindable
app._port_is_bindable = lambda host, port: port != 443 and port_is_bindable(host, port)

sys.argv = ["ministack"]
app.main()
