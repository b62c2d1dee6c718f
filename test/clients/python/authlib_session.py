"""Authlib on requests: refreshes, by itself and when asked, and revocation."""

import json
import sys

from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session

given = json.load(sys.stdin)
access = []

session = OAuth2Session(
    given["client_id"],
    token_endpoint_auth_method="none",
    token_endpoint=given["issuer"] + "/auth/refresh",
    revocation_endpoint_auth_method="none",
    # Called with every new token.
    update_token=lambda token, **_: access.append(token["access_token"]),
    token={"access_token": "", "token_type": "Bearer", "refresh_token": given["refresh_token"], "expires_at": 1},
)
# The token has expired, so the first request refreshes it. The other refreshes are explicit.
session.get(given["issuer"] + "/.well-known/jwks.json").raise_for_status()
while len(access) < given["refreshes"]:
    session.refresh_token()
session.revoke_token(
    given["issuer"] + "/auth/logout", token=session.token["refresh_token"], token_type_hint="refresh_token"
).raise_for_status()
try:
    session.refresh_token()
    refused = ""
except OAuthError as error:
    refused = error.error
json.dump({"access": access, "refused": refused}, sys.stdout)
