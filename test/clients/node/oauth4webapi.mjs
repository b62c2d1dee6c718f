// oauth4webapi: discovery, refreshes and revocation. It gets only the issuer and the client id.

import { readFileSync } from 'node:fs'
import * as oauth from 'oauth4webapi'

const given = JSON.parse(readFileSync(0, 'utf8'))
const issuer = new URL(given.issuer)
const client = { client_id: given.client_id }
// By default, it refuses plain http.
const insecure = { [oauth.allowInsecureRequests]: issuer.protocol === 'http:' }

async function discover(algorithm) {
  return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm, ...insecure }))
}

const server = await discover(given.algorithm)
const access = []
let held = given.refresh_token

async function refresh() {
  const response = await oauth.refreshTokenGrantRequest(server, client, oauth.None(), held, insecure)
  const result = await oauth.processRefreshTokenResponse(server, client, response)
  access.push(result.access_token)
  held = result.refresh_token ?? held
}

for (let i = 0; i < given.refreshes; i++) await refresh()
const options = { ...insecure, additionalParameters: { token_type_hint: 'refresh_token' } }
await oauth.processRevocationResponse(await oauth.revocationRequest(server, client, oauth.None(), held, options))
const refused = await refresh().then(() => '', (error) => error.error)
console.log(JSON.stringify({ access, refused }))
