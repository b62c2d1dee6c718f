// examples/edge, bundled as for a deployment, with the events of Lambda@Edge. The tokens are those of the local server.
import assert from "node:assert/strict";
import {execSync} from "node:child_process";
import {generateKeyPairSync, sign} from "node:crypto";
import {cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync} from "node:fs";
import https from "node:https";
import {createRequire} from "node:module";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {after, before, mock, test} from "node:test";
import {runInNewContext} from "node:vm";
import {gzipSync} from "node:zlib";
import {password, root, startAlone, tools} from "./harness.mjs";

const library = join(root, ".cache/web/edge/node_modules/aws-jwt-verify");
const skip = (!existsSync(library) || !existsSync(join(tools, "node_modules"))) && "aws-jwt-verify or esbuild is missing: test/fetch.sh web";
const largest = 1 << 20; // bytes of a viewer-request function, which are counted compressed
let server, folder, handler, issue;

// build makes the check with some settings, as docs/browser.md says, and returns its handler.
const build = (name, settings) => {
  const at = join(folder, name);
  cpSync(join(root, "examples/edge"), at, {recursive: true});
  rmSync(join(at, "node_modules"), {recursive: true, force: true});
  mkdirSync(join(at, "node_modules"));
  symlinkSync(library, join(at, "node_modules/aws-jwt-verify"));
  writeFileSync(join(at, "settings.json"), JSON.stringify(settings));
  const {scripts} = JSON.parse(readFileSync(join(at, "package.json")));
  execSync(scripts.build + " --log-level=warning", {cwd: at, env: {...process.env, PATH: join(tools, "node_modules/.bin") + ":" + process.env.PATH}});
  writeFileSync(join(at, "dist/package.json"), '{"type": "commonjs"}'); // in the function, index.js has no package.json beside it
  return createRequire(import.meta.url)(join(at, "dist/index.js")).handler;
};

before(async () => {
  if (skip) return;
  server = await startAlone();
  issue = (...more) => server.run(["token", "issue", "--issuer", server.url, ...more]).trim();
  folder = mkdtempSync(join(tmpdir(), "edgeauth-edge-"));
  mock.method(https, "request", () => assert.fail("the check uses the network"));
  // On plain http, the local server's cookies have names without a prefix.
  handler = build("check", {issuer: server.url, audience: server.url, cookie: "edgeauth-access", jwks: JSON.parse(server.run(["keys", "jwks"]))});
});

after(async () => {
  await server?.stop();
  if (folder) rmSync(folder, {recursive: true, force: true});
});

// eventOf is a viewer-request event. CloudFront puts the names of headers in lower case, and has a list of values for each.
const eventOf = (headers, method = "GET") => ({
  Records: [{
    cf: {
      config: {distributionDomainName: "d111111abcdef8.cloudfront.net", distributionId: "EDFDVBD6EXAMPLE", eventType: "viewer-request", requestId: "4TyzHTaYWb1GX1qTfsHhEqV6HUDd_BzoBZnwfnvQc_1oF26ClkoUSEQ=="},
      request: {
        clientIp: "203.0.113.178", method, querystring: "", uri: "/private/report.pdf",
        headers: Object.fromEntries(Object.entries({Host: "d111111abcdef8.cloudfront.net", ...headers}).map(([key, value]) =>
          [key.toLowerCase(), [value].flat().map((value) => ({key, value}))])),
      },
    },
  }],
});

// ask returns undefined if a request passes unchanged, and otherwise the challenge of the 401.
const ask = async (headers, method) => {
  const event = eventOf(headers, method), before = structuredClone(event);
  const answer = await handler(event);
  if (answer === event.Records[0].cf.request) return assert.deepEqual(event, before);
  assert.equal(answer.status, "401");
  assert.equal(answer.headers["cache-control"][0].value, "no-store");
  return answer.headers["www-authenticate"][0].value;
};
const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const bearer = (token) => ({Authorization: "Bearer " + token});
const bad = 'Bearer error="invalid_token"';

test("the bundle fits into a viewer-request function", {skip}, () => {
  const {length} = gzipSync(readFileSync(join(folder, "check/dist/index.js")), {level: 9});
  console.log(`the check has ${length} bytes, bundled and compressed (at most ${largest})`);
  assert.ok(length <= largest);
});

test("a good token passes, in the header and in the cookie", {skip}, async () => {
  const good = issue();
  assert.equal(await ask(bearer(good)), undefined);
  assert.equal(await ask({authorization: "bearer " + good}), undefined);
  assert.equal(await ask({Cookie: `a=b; edgeauth-access=${good}; c=d`}), undefined);
  assert.equal(await ask({Cookie: ["a=b", `edgeauth-access=${good}`]}), undefined);
});

test("the cookie of a real login passes", {skip}, async () => {
  const login = await fetch(server.url + "/auth/login", {
    method: "POST", headers: {"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin"},
    body: JSON.stringify({email: server.nextUser(), password, delivery: "cookies"}),
  });
  assert.equal(login.status, 200);
  const cookie = login.headers.getSetCookie().map((line) => line.split(";")[0]).join("; ");
  assert.equal(await ask({Cookie: cookie}), undefined);
});

test("a bad token is refused", {skip}, async () => {
  const good = issue(), [header, payload, signature] = good.split(".");
  const decoded = JSON.parse(Buffer.from(payload, "base64url"));
  const tokens = {
    "another issuer": issue("--issuer", "https://login.invalid", "--audience", server.url),
    "another audience": issue("--audience", "https://api.invalid"),
    "another payload": [header, encode({...decoded, sub: "admin"}), signature].join("."),
    "no signature": `${header}.${payload}.`,
    "algorithm none": `${encode({alg: "none", typ: "at+jwt"})}.${payload}.`,
    "an unknown key": [encode({...JSON.parse(Buffer.from(header, "base64url")), kid: "other"}), payload, signature].join("."),
    "no JWT": "x",
    "nothing": "",
  };
  for (const [what, token] of Object.entries(tokens)) {
    assert.equal(await ask(bearer(token)), bad, what);
    assert.equal(await ask({Cookie: "edgeauth-access=" + token}), bad, what);
  }
  assert.equal(await ask({Authorization: "Basic " + good}), bad);
});

test("an expired token is refused, without leeway", {skip}, async () => {
  const token = issue("--lifetime", "1m"), {exp} = JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
  mock.timers.enable({apis: ["Date"], now: exp * 1000 - 1});
  try {
    assert.equal(await ask(bearer(token)), undefined);
    mock.timers.setTime(exp * 1000 + 1);
    assert.equal(await ask(bearer(token)), bad);
  } finally {
    mock.timers.reset();
  }
});

test("a token of another type is refused", {skip}, async () => {
  const {privateKey, publicKey} = generateKeyPairSync("rsa", {modulusLength: 2048}), now = Math.floor(Date.now() / 1000);
  const jwks = {keys: [{...publicKey.export({format: "jwk"}), kid: "k", alg: "RS256", use: "sig"}]};
  const other = build("other", {issuer: server.url, audience: server.url, cookie: "", jwks});
  const passes = async (typ) => {
    const text = `${encode({alg: "RS256", kid: "k", typ})}.${encode({iss: server.url, aud: server.url, sub: "ada", exp: now + 60})}`;
    const token = `${text}.${sign("sha256", Buffer.from(text), privateKey).toString("base64url")}`;
    return !(await other(eventOf(bearer(token)))).status;
  };
  assert.equal(await passes("at+jwt"), true);
  for (const typ of ["JWT", "logout+jwt", undefined]) assert.equal(await passes(typ), false, typ);
});

test("no token, and two of them", {skip}, async () => {
  const good = issue();
  assert.equal(await ask({}), "Bearer");
  assert.equal(await ask({Cookie: "other=" + good}), "Bearer");
  assert.equal(await ask({Cookie: "Edgeauth-Access=" + good}), "Bearer");
  assert.equal(await ask({Authorization: ["Bearer " + good, "Bearer " + good]}), bad);
  assert.equal(await ask({Cookie: `edgeauth-access=${good}; edgeauth-access=x`}), bad);
  // As in the authorizer, the header comes first.
  assert.equal(await ask({...bearer(good), Cookie: "edgeauth-access=x"}), undefined);
});

test("a page of another site cannot use the cookie", {skip}, async () => {
  const Cookie = "edgeauth-access=" + issue();
  const site = "Sec-Fetch-Site";
  assert.equal(await ask({Cookie, [site]: "cross-site"}), undefined); // a link
  assert.equal(await ask({Cookie, [site]: "cross-site", Origin: "https://evil.example"}), bad);
  assert.equal(await ask({Cookie, Origin: "https://evil.example"}), bad);
  assert.equal(await ask({Cookie, [site]: "same-origin", Origin: "https://d111111abcdef8.cloudfront.net"}), undefined);
  assert.equal(await ask({Cookie, [site]: "same-origin"}, "POST"), undefined);
  for (const from of ["cross-site", "same-site", "none"]) assert.equal(await ask({Cookie, [site]: from}, "POST"), bad, from);
  assert.equal(await ask({Cookie}, "POST"), bad);
});

test("the CDN serves the page for the paths of the application", () => {
  const template = readFileSync(join(root, "examples/cdn/cdn.yaml"), "utf8");
  const [, code] = /Serves the page.*\n +FunctionCode: \|\n((?: {8}.*\n)+)/.exec(template);
  const router = runInNewContext(code + "; handler");
  const uri = (path) => router({request: {uri: path}}).uri;
  for (const path of ["/", "/orders", "/orders/7", "/v1.0/orders"]) assert.equal(uri(path), "/index.html");
  for (const path of ["/app.js", "/edgeauth/edgeauth.js", "/icon.svg"]) assert.equal(uri(path), path);
});
