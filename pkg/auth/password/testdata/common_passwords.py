"""Makes ../common_passwords.deflate from the list of @zxcvbn-ts/language-common 4.1.3 (see ../NOTICE):

    npm pack @zxcvbn-ts/language-common@4.1.3 && tar xzf zxcvbn-ts-language-common-4.1.3.tgz
    python3 common_passwords.py package/src/passwords.json > ../common_passwords.deflate

The source is ordered by frequency. Sorting it loses that order and halves the compressed size.
"""

import json, sys, unicodedata, zlib

MIN_CHARACTERS, COUNT = 8, 10_000  # shorter passwords are refused for their length

common = {}  # keeps the order
for password in map(str, json.load(open(sys.argv[1], encoding="utf-8"))):
    password = unicodedata.normalize("NFC", password).lower()
    if len(password) >= MIN_CHARACTERS and "\n" not in password:
        common[password] = None
text = "\n".join(["", *sorted(list(common)[:COUNT]), ""])
deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
sys.stdout.buffer.write(deflate.compress(text.encode()) + deflate.flush())
