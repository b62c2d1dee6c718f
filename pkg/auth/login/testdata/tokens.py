"""Makes tokens.json from the description of the format alone: python3 tokens.py > tokens.json"""

import base64, hmac, json, struct, sys, uuid, zlib

KINDS = {
    "device": ("edt_", 0x31, b"edgeauth known-device token 1"),
    "change": ("ect_", 0x41, b"edgeauth change-of-password token 1"),
}


def hkdf(material, info):
    """RFC 5869 with SHA-256, no salt, one block of output."""
    prk = hmac.digest(bytes(32), material, "sha256")
    return hmac.digest(prk, info + b"\x01", "sha256")


def vector(name, kind, key_id, subject, version, ident, issued):
    prefix, first, purpose = KINDS[kind]
    try:
        canonical = str(uuid.UUID(subject)) == subject
    except ValueError:
        canonical = False
    form = b"\x00" + uuid.UUID(subject).bytes if canonical else bytes([len(subject.encode())]) + subject.encode()
    body = struct.pack(">BH", first, key_id) + form + struct.pack(">Q", version) + ident + issued.to_bytes(5, "big")
    body += hmac.digest(hkdf(bytes([key_id]) * 32, purpose), body, "sha256")[:16]
    body += struct.pack(">I", zlib.crc32(body))
    return {
        "Name": name, "Kind": kind, "KeyID": key_id, "Subject": subject, "TokenVersion": version, "IDHex": ident.hex(),
        "IssuedAt": issued, "Token": prefix + base64.urlsafe_b64encode(body).rstrip(b"=").decode(),
    }


some, ones = bytes(range(16)), b"\xff" * 16
known = "1b671a64-40d5-491e-99b0-da01ff1f3341"
json.dump([
    vector("device, uuid subject", "device", 7, known, 3, some, 1893553445),
    vector("device, opaque subject", "device", 7, "auth0|5f7c8ec7", 0, ones, 0),
    vector("device, unicode subject", "device", 7, "zoë", 2**64 - 1, ones, 1099511627775),
    vector("device, uuid in capitals is opaque", "device", 7, known.upper(), 1, some, 1),
    vector("device, longest subject", "device", 7, "x" * 64, 1, some, 1),
    vector("device, an older key", "device", 1, known, 3, some, 1893553445),
    vector("change, uuid subject", "change", 7, known, 3, some, 1893553445),
    vector("change, opaque subject", "change", 7, "user-1", 256, ones, 1893553446),
], sys.stdout, indent=1, ensure_ascii=False)
print()
