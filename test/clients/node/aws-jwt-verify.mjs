// aws-jwt-verify verifies each issuer's tokens with the key set at its address.

import { readFileSync } from 'node:fs'
import { JwtVerifier } from 'aws-jwt-verify'

async function verdicts({ issuer, jwks_uri, audience, tokens }) {
  const verifier = JwtVerifier.create({ issuer, audience, jwksUri: jwks_uri, graceSeconds: 30 })
  const verify = (token) => verifier.verify(token)

  const found = {}
  for (const [name, token] of Object.entries(tokens)) {
    found[name] = await verify(token).then(() => '', String)
  }
  return { tokens: found }
}

const given = JSON.parse(readFileSync(0, 'utf8'))
console.log(JSON.stringify(await Promise.all(given.map(verdicts))))
