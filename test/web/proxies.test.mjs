// The local server behind the development server of a front end, with the configuration of docs/local.md.
import assert from "node:assert/strict";
import {existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import http from "node:http";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {after, before, test} from "node:test";
import {password, root, startServer} from "./harness.mjs";

const vite = join(root, ".cache/web/vite/node_modules/vite/dist/node/index.js");
const skip = !existsSync(vite) && "Vite is missing: test/fetch.sh web";
let server, front, folder, port;

before(async () => {
  if (skip) return;
  server = await startServer("--config", JSON.stringify({token_sources: ["header:Authorization", "cookie:__Host-Http-access"]}));
  const page = readFileSync(join(root, "docs/local.md"), "utf8");
  const [, config] = /`vite\.config\.js`.*?```js\n(.*?)```/s.exec(page);
  assert.ok(config.includes("'http://127.0.0.1:8080'"), "the page has another address of the local server");
  folder = mkdtempSync(join(tmpdir(), "edgeauth-vite-"));
  writeFileSync(join(folder, "package.json"), `{"type": "module"}`);
  writeFileSync(join(folder, "vite.config.js"), config.replace("http://127.0.0.1:8080", server.url));
  const {createServer} = await import(vite);
  front = await createServer({root: folder, logLevel: "error", server: {host: "127.0.0.1", port: 0, ws: false, hmr: false}});
  await front.listen();
  ({port} = front.httpServer.address());
});

after(async () => {
  await front?.close();
  await server?.stop();
  if (folder) rmSync(folder, {recursive: true, force: true});
});

// send sends a request like a page that the development server has served at a host.
const send = (method, path, {headers, body, host = `localhost:${port}`} = {}) => new Promise((done, fail) => {
  const request = http.request({host: "127.0.0.1", port, method, path, headers: {Host: host, "Content-Type": "application/json", ...headers}}, async (answer) => {
    let text = "";
    for await (const chunk of answer) text += chunk;
    done({status: answer.statusCode, cookies: answer.headers["set-cookie"] || [], body: text && JSON.parse(text)});
  });
  request.on("error", fail);
  request.end(body && JSON.stringify(body));
});

for (const name of ["localhost", "192.168.1.5"]) {
  test(`cookies and the cross-site rule hold through Vite at ${name}`, {skip}, async () => {
    const host = `${name}:${port}`;
    const own = {Origin: `http://${host}`, "Sec-Fetch-Site": "same-origin"};
    const login = await send("POST", "/auth/login", {host, headers: own, body: {email: server.nextUser(), password, delivery: "cookies"}});
    assert.equal(login.status, 200);
    const Cookie = login.cookies.map((line) => line.split(";")[0]).join("; ");
    assert.match(Cookie, /edgeauth-access=/);
    assert.match(Cookie, /edgeauth-refresh=/);

    const {status, body} = await send("GET", "/api/orders", {host, headers: {...own, Cookie}});
    assert.equal(status, 200);
    assert.equal(body.path, "/api/orders");
    assert.ok(body.sub && body.sid);

    const foreign = {Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site"};
    const neighbour = {Origin: "http://localhost:1", "Sec-Fetch-Site": "same-site"};
    for (const [headers, want] of [[own, 404], [foreign, 403], [neighbour, 403], [{}, 403]]) {
      assert.equal((await send("DELETE", "/auth/sessions/unknown", {host, headers: {...headers, Cookie}})).status, want, JSON.stringify(headers));
    }
  });
}
