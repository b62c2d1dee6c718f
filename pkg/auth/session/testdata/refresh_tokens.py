"""Makes refresh_tokens.json from the description of the format alone: python3 refresh_tokens.py > refresh_tokens.json"""

import base64, hashlib, hmac, json, struct, sys, uuid, zlib

PROFILES = {"balanced": 1, "strict": 2, "fixed": 3}


def hkdf(material, info):
    """RFC 5869 with SHA-256, no salt, one block of output."""
    prk = hmac.digest(bytes(32), material, "sha256")
    return hmac.digest(prk, info + b"\x01", "sha256")


def b64(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def vector(name, key_id, profile, subject, secret, generation, branch, issued):
    try:
        canonical = str(uuid.UUID(subject)) == subject
    except ValueError:
        canonical = False
    form = b"\x00" + uuid.UUID(subject).bytes if canonical else bytes([len(subject.encode())]) + subject.encode()
    body = struct.pack(">BBH", 0x11, PROFILES[profile], key_id) + form + secret
    body += struct.pack(">I", generation) + branch + issued.to_bytes(5, "big")
    body += hmac.digest(hkdf(bytes([key_id]) * 32, b"edgeauth refresh token 1"), body, "sha256")[:16]
    body += struct.pack(">I", zlib.crc32(body))
    return {
        "Name": name, "KeyID": key_id, "Profile": profile, "Subject": subject, "SecretHex": secret.hex(),
        "Generation": generation, "BranchHex": branch.hex(), "IssuedAt": issued,
        "Sid": b64(hashlib.sha256(secret).digest()[:16]), "Token": "ert_" + b64(body),
    }


some, ones = bytes(range(16)), b"\xff" * 16
json.dump([
    vector("uuid subject", 7, "balanced", "1b671a64-40d5-491e-99b0-da01ff1f3341", some, 0, bytes(8), 1893553445),
    vector("opaque subject", 7, "strict", "auth0|5f7c8ec7", some, 1, b"\x01\x02\x03\x04\x05\x06\x07\x08", 1893553445),
    vector("unicode subject", 7, "fixed", "zoë", ones, 4294967295, b"\xff" * 8, 1099511627775),
    vector("uuid in capitals is opaque", 7, "balanced", "1B671A64-40D5-491E-99B0-DA01FF1F3341", some, 7, bytes(8), 0),
    vector("longest subject", 7, "balanced", "x" * 64, some, 7, bytes(8), 1),
    vector("an older key", 1, "balanced", "1b671a64-40d5-491e-99b0-da01ff1f3341", ones, 256, b"\x80" + bytes(7), 1893553446),
], sys.stdout, indent=1, ensure_ascii=False)
print()
