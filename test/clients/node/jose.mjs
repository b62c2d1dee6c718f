// jose verifies each issuer's tokens with the key set at its address.

import { readFileSync } from 'node:fs'
import { createRemoteJWKSet, jwtVerify } from 'jose'

async function verdicts({ issuer, jwks_uri, audience, algorithm, tokens }) {
  const keys = createRemoteJWKSet(new URL(jwks_uri))
  const requiredClaims = ['exp', 'sub', 'client_id']
  const options = { issuer, audience, algorithms: [algorithm], typ: 'at+jwt', requiredClaims, clockTolerance: 30 }
  const verify = (token) => jwtVerify(token, keys, options)

  const found = {}
  for (const [name, token] of Object.entries(tokens)) {
    found[name] = await verify(token).then(() => '', String)
  }
  return { tokens: found }
}

const given = JSON.parse(readFileSync(0, 'utf8'))
console.log(JSON.stringify(await Promise.all(given.map(verdicts))))
