// Measures npm verifiers against Node's own signature check. Reads one JSON object from standard
// input and writes one to standard output. All take turns in the same rounds; the result is the
// median of each. node_test.go runs this file.

import { createPublicKey, verify as verifySignature } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { JwtVerifier } from 'aws-jwt-verify'
import { createVerifier } from 'fast-jwt'
import { createLocalJWKSet, jwtVerify } from 'jose'

const given = JSON.parse(readFileSync(0, 'utf8'))
const required = ['iss', 'sub', 'aud', 'exp', 'iat', 'jti', 'client_id']

function bareCheck() {
  const [header, payload, signature] = given.token.split('.')
  const { kid } = JSON.parse(Buffer.from(header, 'base64url'))
  const jwk = given.jwks.keys.find((key) => key.kid === kid)
  const key = createPublicKey({ key: jwk, format: 'jwk' })
  const data = Buffer.from(`${header}.${payload}`)
  const bytes = Buffer.from(signature, 'base64url')
  const hash = given.alg === 'EdDSA' ? null : 'sha256'
  const how = given.alg === 'ES256' ? { key, dsaEncoding: 'ieee-p1363' } : key
  return { key, run: () => verifySignature(hash, data, how, bytes) || refuse() }
}

function refuse() {
  throw new Error('refused')
}

// Each verifier is as strict as its options allow. None uses the network, and none caches a
// verified token.

function awsJwtVerify() {
  const verifier = JwtVerifier.create({ issuer: given.issuer, audience: given.audience, jwksUri: `${given.issuer}/jwks.json` })
  verifier.cacheJwks(given.jwks)
  return (token) => verifier.verifySync(token)
}

// fast-jwt gets a single key, because it cannot find a key by kid synchronously.
function fastJwt(key) {
  return createVerifier({
    key: key.export({ type: 'spki', format: 'pem' }), algorithms: [given.alg], cache: false,
    allowedIss: given.issuer, allowedAud: given.audience, requiredClaims: required, checkTyp: 'at+jwt',
  })
}

function jose() {
  const keys = createLocalJWKSet(given.jwks)
  const options = {
    issuer: given.issuer, audience: given.audience, algorithms: [given.alg], typ: 'at+jwt', requiredClaims: required,
  }
  return async (token) => (await jwtVerify(token, keys, options)).payload
}

// An authorizer on Node: from an event's bytes to the answer's bytes.
function authorizer(verify, asynchronous) {
  const tokenOf = (bytes) => JSON.parse(bytes.toString()).headers.authorization.slice('Bearer '.length)
  const answer = (c) => Buffer.from(JSON.stringify({
    isAuthorized: true,
    context: {
      auth_time: String(c.auth_time), client_id: c.client_id, exp: String(c.exp),
      roles: c.roles.join(' '), scope: c.scope, sid: c.sid, sub: c.sub,
    },
  }))
  if (asynchronous) return async (bytes) => answer(await verify(tokenOf(bytes)))
  return (bytes) => answer(verify(tokenOf(bytes)))
}

async function mustDecide(name, decide, good, bad) {
  await decide(good)
  try {
    await decide(bad)
  } catch {
    return
  }
  throw new Error(`${name} accepts a forged token`)
}

// An await costs time, so synchronous contestants run without one.
async function turn(contestant) {
  const start = process.hrtime.bigint()
  if (contestant.asynchronous) for (let i = 0; i < given.runs; i++) await contestant.run()
  else for (let i = 0; i < given.runs; i++) contestant.run()
  return Number(process.hrtime.bigint() - start) / 1e3 / given.runs
}

const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1]

const bare = bareCheck()
const contestants = [{ name: 'bare', run: bare.run, took: [] }]
const peers = [
  { name: 'aws-jwt-verify', verify: awsJwtVerify() },
  { name: 'fast-jwt', verify: fastJwt(bare.key) },
  { name: 'jose', verify: jose(), asynchronous: true },
]
const event = Buffer.from(given.event)
const refused = Buffer.from(given.refused)
for (const { name, verify, asynchronous } of peers) {
  const handle = authorizer(verify, asynchronous)
  await mustDecide(name, async (token) => verify(token), given.token, given.forged)
  await mustDecide(name, async (bytes) => handle(bytes), event, refused)
  contestants.push({ name, what: 'token', asynchronous, run: () => verify(given.token), took: [] })
  contestants.push({ name, what: 'event', asynchronous, run: () => handle(event), took: [] })
}

// Warm up first, so that the code of all contestants is compiled before the measurement.
const warming = 200
for (let round = -warming; round < given.rounds; round++) {
  for (const contestant of contestants) {
    const took = await turn(contestant)
    if (round >= 0) contestant.took.push(took)
  }
}

const took = (name, what) => median(contestants.find((c) => c.name === name && c.what === what).took)
const version = (name) => JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url))).version
console.log(JSON.stringify({
  versions: [`node ${process.version}`, ...peers.map(({ name }) => `${name} ${version(name)}`)],
  bare: took('bare'),
  peers: peers.map(({ name }) => ({ name, token: took(name, 'token'), event: took(name, 'event') })),
}))
