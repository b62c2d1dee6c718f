"""Makes tokens.json from the description of the format alone: python3 tokens.py > tokens.json"""

import base64, hmac, json, struct, sys, uuid, zlib

PREFIX, FIRST, PURPOSE = "edt_", 0x31, b"edgeauth known-device token 1"


def hkdf(material, info):
    """RFC 5869 with SHA-256, no salt, one block of output."""
    prk = hmac.digest(bytes(32), material, "sha256")
    return hmac.digest(prk, info + b"\x01", "sha256")


def vector(name, key_id, subject, version, ident, issued):
    try:
        canonical = str(uuid.UUID(subject)) == subject
    except ValueError:
        canonical = False
    form = b"\x00" + uuid.UUID(subject).bytes if canonical else bytes([len(subject.encode())]) + subject.encode()
    body = struct.pack(">BH", FIRST, key_id) + form + struct.pack(">Q", version) + ident + issued.to_bytes(5, "big")
    body += hmac.digest(hkdf(bytes([key_id]) * 32, PURPOSE), body, "sha256")[:16]
    body += struct.pack(">I", zlib.crc32(body))
    return {
        "Name": name, "KeyID": key_id, "Subject": subject, "TokenVersion": version, "IDHex": ident.hex(),
        "IssuedAt": issued, "Token": PREFIX + base64.urlsafe_b64encode(body).rstrip(b"=").decode(),
    }


some, ones = bytes(range(16)), b"\xff" * 16
known = "1b671a64-40d5-491e-99b0-da01ff1f3341"
json.dump([
    vector("uuid subject", 7, known, 3, some, 1893553445),
    vector("opaque subject", 7, "auth0|5f7c8ec7", 0, ones, 0),
    vector("unicode subject", 7, "zoë", 2**64 - 1, ones, 1099511627775),
    vector("uuid in capitals is opaque", 7, known.upper(), 1, some, 1),
    vector("longest subject", 7, "x" * 64, 1, some, 1),
    vector("an older key", 1, known, 3, some, 1893553445),
], sys.stdout, indent=1, ensure_ascii=False)
print()
