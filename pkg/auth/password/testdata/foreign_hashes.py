"""Makes foreign_hashes.json with the original systems, at costs that keep the tests fast:

    pip install passlib==1.7.4 bcrypt==4.0.1 django==5.2 argon2-cffi==25.1.0
    python3 foreign_hashes.py > foreign_hashes.json

Salts are random, so each run gives other hashes.
"""

import base64, hashlib, json, os, sys

import argon2.low_level
import django.conf
from django.utils.module_loading import import_string
from passlib.hash import bcrypt, bcrypt_sha256, pbkdf2_sha1, pbkdf2_sha256, pbkdf2_sha512, scrypt

django.conf.settings.configure()
PASSWORDS = ["correct horse", "", "caf\u00e9", "cafe\u0301", "nul\0byte", "x" * 71 + "yz", "long " * 40]
vectors = []


def add(source, spell, passwords=PASSWORDS):
    for password in passwords:
        vectors.append({"Source": source, "Stored": spell(password), "Password": password})


def django_hasher(name, **cost):
    hasher = import_string("django.contrib.auth.hashers." + name)()
    for key, value in cost.items():
        setattr(hasher, key, value)
    return lambda password: hasher.encode(password, hasher.salt())


no_nul = [p for p in PASSWORDS if "\0" not in p]  # Passlib and the bcrypt package refuse NUL in a bcrypt password
for ident in "2a", "2b", "2y":
    add("Passlib bcrypt " + ident, bcrypt.using(rounds=4, ident=ident, truncate_error=False).hash, no_nul)
add("Passlib bcrypt_sha256", bcrypt_sha256.using(rounds=4).hash)
add("Passlib bcrypt_sha256, version 1", bcrypt_sha256.using(rounds=4, version=1).hash)
add("Passlib pbkdf2_sha1", pbkdf2_sha1.using(rounds=1001).hash)
add("Passlib pbkdf2_sha256", pbkdf2_sha256.using(rounds=1001).hash)
add("Passlib pbkdf2_sha256 at its default cost", pbkdf2_sha256.hash, PASSWORDS[:1])
add("Passlib pbkdf2_sha512", pbkdf2_sha512.using(rounds=1001, salt_size=24).hash)
add("Passlib scrypt", scrypt.using(rounds=5).hash)
add("Passlib scrypt at its default cost", scrypt.hash, PASSWORDS[:1])

add("Django pbkdf2_sha256", django_hasher("PBKDF2PasswordHasher", iterations=1001))
add("Django pbkdf2_sha1", django_hasher("PBKDF2SHA1PasswordHasher", iterations=1001))
add("Django bcrypt", django_hasher("BCryptPasswordHasher", rounds=4), no_nul)
add("Django bcrypt_sha256", django_hasher("BCryptSHA256PasswordHasher", rounds=4))
add("Django scrypt", django_hasher("ScryptPasswordHasher", work_factor=32, parallelism=2))
add("Django scrypt at its default cost", django_hasher("ScryptPasswordHasher"), PASSWORDS[:1])
add("Django argon2", django_hasher("Argon2PasswordHasher", memory_cost=256, time_cost=1))
add("Django argon2 at its default cost", django_hasher("Argon2PasswordHasher"), PASSWORDS[:1])

# Forms that are accepted only if they are wrapped.
add("Django md5", django_hasher("MD5PasswordHasher"), PASSWORDS[:4])


# Wrapped forms are edgeauth's own: argon2-cffi over the digest, following the description in wrap.go.
def wrapped(frame, spell, digest):
    def stored(password):
        salt = base64.b64encode(os.urandom(9)).decode()
        raw = digest(password.encode(), salt.encode())
        outer = argon2.low_level.hash_secret(raw, os.urandom(16), 1, 256, 1, 32, argon2.low_level.Type.ID)
        return "$wrapped$" + frame % (salt, spell(bytes(len(raw)))) + outer.decode()

    return stored


def b64(raw):
    return base64.b64encode(raw).decode()


for name in "md5", "sha1", "sha256", "sha512":
    add("wrapped " + name, wrapped(name + "$%s$%s", bytes.hex, lambda p, s: hashlib.new(name, s + p).digest()))
    add("wrapped %s-suffix" % name, wrapped(name + "-suffix$%s$%s", bytes.hex, lambda p, s: hashlib.new(name, p + s).digest()))
pbkdf2 = lambda p, s: hashlib.pbkdf2_hmac("sha256", p, s, 1001)
add("wrapped Django pbkdf2_sha256", wrapped("pbkdf2_sha256$1001$%s$%s", b64, pbkdf2))

json.dump(vectors, sys.stdout, indent=1)
print()
