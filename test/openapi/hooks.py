"""Gives some of the valid requests that Schemathesis makes up real credentials and tokens.

Made-up ones reach refusals alone. What gets real values is chosen by the request itself, so that a
run can be repeated.
"""

import base64
import json
import os
import zlib

import requests
import schemathesis

PASSWORD = "correct-horse-battery-staple"


class Account:
    """A user of the server, and the password that the user has now."""

    def __init__(self, email):
        self.email, self.password, self.changes = email, PASSWORD, 0

    def login(self):
        answer = requests.post(
            os.environ["EDGEAUTH_URL"] + "/auth/login",
            json={"email": self.email, "password": self.password},
            timeout=120,
        )
        answer.raise_for_status()
        return answer.json()


def session_of(access_token):
    """Returns the sid of an access token."""
    payload = access_token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["sid"]


demo = Account("demo@example.com")
second = Account("second@example.com")  # changes its password


def is_chosen(case):
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return False
    behind_authorizer = case.operation.path.startswith("/auth/sessions")
    if not behind_authorizer and not isinstance(case.body, dict):
        return False
    request = [case.body, case.path_parameters, case.query] if behind_authorizer else case.body
    text = json.dumps(request, sort_keys=True, default=str)
    return zlib.crc32(text.encode("utf-8", "surrogatepass")) % 3 == 0


@schemathesis.hook
def before_call(context, case, kwargs):
    if not is_chosen(case):
        return
    path = case.operation.path
    if path.startswith("/auth/sessions"):
        access = demo.login()["access_token"]
        case.headers["Authorization"] = "Bearer " + access
        if "{sid}" in path:
            case.path_parameters["sid"] = session_of(access)
        return
    case.body.pop("client_id", None)
    if path == "/auth/login":
        case.body.update(email=demo.email, password=demo.password)
        case.body.pop("device_delivery", None)  # a cookie is for browsers alone
    elif path == "/auth/refresh":
        case.body.pop("scope", None)
        case.body.update(refresh_token=demo.login()["refresh_token"])
    elif path == "/auth/logout":
        name = "refresh_token" if case.media_type == "application/json" else "token"
        case.body[name] = demo.login()["refresh_token"]
    elif path == "/auth/reauth":
        case.body.pop("device_delivery", None)
        case.body.update(password=demo.password)
        case.headers["Authorization"] = "Bearer " + demo.login()["access_token"]
    elif path == "/auth/code":
        case.body.pop("delivery", None)
        case.body.pop("device_delivery", None)
        case.body.update(email=demo.email)
    elif path == "/auth/password":
        second.changes += 1
        case.body.pop("change_token", None)
        case.body.pop("device_delivery", None)
        case.body.update(current_password=second.password, new_password=f"{PASSWORD}-{second.changes}")
        case.headers["Authorization"] = "Bearer " + second.login()["access_token"]


@schemathesis.hook
def after_call(context, case, response):
    if case.operation.path == "/auth/password" and response.status_code == 200:
        second.password = f"{PASSWORD}-{second.changes}"
