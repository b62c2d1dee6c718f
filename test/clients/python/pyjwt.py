"""PyJWT verifies the tokens of each issuer by the key set at its address."""

import json
import sys

import jwt


def verdicts(issuer, jwks_uri, audience, algorithm, tokens):
    keys = jwt.PyJWKClient(jwks_uri)

    def verify(token):
        key = keys.get_signing_key_from_jwt(token)
        return jwt.decode(token, key, algorithms=[algorithm], issuer=issuer, audience=audience, leeway=30)

    def verdict(token):
        try:
            verify(token)
        except jwt.PyJWTError as error:
            return repr(error)
        return ""

    return {"tokens": {name: verdict(token) for name, token in tokens.items()}}


json.dump([verdicts(**given) for given in json.load(sys.stdin)], sys.stdout)
