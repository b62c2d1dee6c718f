// openid-client: discovery, refreshes and revocation, in the shortest form.

import { readFileSync } from 'node:fs'
import * as client from 'openid-client'

const given = JSON.parse(readFileSync(0, 'utf8'))
const issuer = new URL(given.issuer)
// By default, it refuses plain http.
const execute = issuer.protocol === 'http:' ? [client.allowInsecureRequests] : []
const options = { algorithm: given.algorithm, execute }
const config = await client.discovery(issuer, given.client_id, undefined, client.None(), options)
const access = []
let held = given.refresh_token

async function refresh() {
  const result = await client.refreshTokenGrant(config, held)
  access.push(result.access_token)
  held = result.refresh_token ?? held
}

for (let i = 0; i < given.refreshes; i++) await refresh()
await client.tokenRevocation(config, held, { token_type_hint: 'refresh_token' })
const refused = await refresh().then(() => '', (error) => error.error)
console.log(JSON.stringify({ access, refused }))
