// Makes openauth_hashes.json with OpenAuth's own code (npm install @openauthjs/openauth@0.4.3, beside this file):
//
//   node openauth_hashes.mjs > openauth_hashes.json
//
// Salts are random, so each run gives other hashes.
import { PBKDF2Hasher, ScryptHasher } from "@openauthjs/openauth/provider/password"

const passwords = ["correct horse", "", "caf\u00e9", "cafe\u0301", "nul\0byte"]
const hashers = {
  "OpenAuth scrypt": ScryptHasher({ N: 64 }),
  "OpenAuth scrypt, more lanes": ScryptHasher({ N: 64, r: 4, p: 3 }),
  "OpenAuth PBKDF2": PBKDF2Hasher({ iterations: 1001 }),
}
const vectors = []
for (const [Source, hasher] of Object.entries(hashers)) {
  for (const Password of passwords) {
    // What its storage adapters keep is the record as JSON.
    vectors.push({ Source, Stored: JSON.stringify(await hasher.hash(Password)), Password })
  }
}
for (const [Source, hasher] of Object.entries({ scrypt: ScryptHasher(), PBKDF2: PBKDF2Hasher() })) {
  const Stored = JSON.stringify(await hasher.hash(passwords[0]))
  vectors.push({ Source: `OpenAuth ${Source} at its default cost`, Stored, Password: passwords[0] })
}
console.log(JSON.stringify(vectors, null, 1))
