// The real server, a proxy that spoils its answers on purpose, and Chromium.
import {execFileSync, spawn} from "node:child_process";
import {once} from "node:events";
import {existsSync, mkdtempSync, readFileSync, rmSync} from "node:fs";
import http from "node:http";
import {createRequire} from "node:module";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {fileURLToPath} from "node:url";

export const root = fileURLToPath(new URL("../../", import.meta.url));
export const tools = join(root, ".cache/web/node");
const require = createRequire(join(tools, "package.json"));
const edgeauth = join(root, "bin/edgeauth");
export const password = "correct horse battery";

// listen starts an HTTP server on a free port of this machine.
const listen = async (handler, host = "127.0.0.1") => {
  const server = http.createServer(handler);
  server.listen(0, host);
  await once(server, "listening");
  return {port: server.address().port, close: () => (server.close(), server.closeAllConnections())};
};

// startServer runs "edgeauth dev" in front of an API whose route GET /checked has the session authorizer.
export const startServer = async (...more) => {
  const data = mkdtempSync(join(tmpdir(), "edgeauth-web-"));
  const api = await listen((request, response) => {
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify({path: request.url, sub: request.headers["x-edgeauth-sub"], sid: request.headers["x-edgeauth-sid"]}));
  });
  const args = ["dev", "--addr", "127.0.0.1:0", "--data", data, "--upstream", `http://127.0.0.1:${api.port}`, "--checked", "GET /checked", ...more];
  const child = spawn(edgeauth, args, {stdio: ["ignore", "pipe", "pipe"]});
  let out = "", log = "";
  child.stderr.on("data", (chunk) => log += chunk);
  const url = await new Promise((done, fail) => {
    child.stdout.on("data", (chunk) => {
      out += chunk;
      const found = /edgeauth runs on (\S+)/.exec(out);
      if (found) done(found[1]);
    });
    child.on("exit", (code) => fail(new Error(`edgeauth dev ended with ${code}: ${log}`)));
  });
  // One password is hashed, and many users have it.
  let users = 0;
  const run = (args, input) => execFileSync(edgeauth, [...args, "--data", data], {input, encoding: "utf8", stdio: ["pipe", "pipe", "inherit"]});
  run(["user", "add", "user0@example.com"], password);
  const {password_hash} = run(["user", "export"]).split("\n").filter(Boolean).map(JSON.parse).find(({email}) => email == "user0@example.com");
  run(["user", "import", "-", "--yes"], Array.from({length: 100}, (_, i) => JSON.stringify({email: `user${i + 1}@example.com`, password_hash})).join("\n"));
  return {
    url,
    log: () => log,
    // nextUser is the e-mail of a user for one test, so that no test disturbs another one.
    nextUser: () => `user${++users}@example.com`,
    run: (...args) => run(args),
    async stop() {
      const ended = once(child, "exit");
      child.kill();
      await ended;
      api.close();
      rmSync(data, {recursive: true, force: true});
    },
  };
};

const page = `<!doctype html><meta charset="utf-8"><title>test</title><link rel="icon" href="data:,">
<script type="module">
  import {createAuth} from "/edgeauth.js";
  const options = JSON.parse(decodeURIComponent(location.hash.slice(1) || "null"));
  if (options) {
    window.auth = createAuth(options);
    window.told = [];
    auth.on((type) => told.push(type));
  }
  window.createAuth = createAuth;
  window.isReady = true;
</script>`;

// startProxy serves the test's page and passes the other requests to the server. A rule is an object with some of:
//   path      the path of the requests that it is for
//   times     how many requests it is for; without it, all
//   before    called with the request, and awaited, before the request is passed on; what it returns is the answer then
//   after     called with the request and the answer {status, headers, body}, and awaited; it may change the answer, or
//             return "drop" to close the connection
export const startProxy = async (target, host) => {
  const rules = [], log = [];
  const client = readFileSync(join(root, "web/edgeauth.js"));
  const to = new URL(target);
  const handler = async (request, response) => {
    const path = request.url.split("?")[0];
    if (path == "/page") return response.writeHead(200, {"Content-Type": "text/html"}).end(page);
    if (path == "/edgeauth.js") return response.writeHead(200, {"Content-Type": "text/javascript"}).end(client);
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const entry = {method: request.method, path, headers: request.headers, body: Buffer.concat(chunks).toString(), at: Date.now()};
    log.push(entry);
    const rule = rules.find((rule) => rule.path == path && (rule.method || entry.method) == entry.method && (rule.times ?? 1) > 0);
    if (rule?.times) rule.times--;
    let answer = await rule?.before?.(entry);
    answer ||= await pass(to, request.url, entry);
    entry.status = answer.status;
    entry.answer = answer;
    if (await rule?.after?.(entry, answer) == "drop") return request.socket.destroy();
    if (response.destroyed) return;
    response.writeHead(answer.status, answer.headers).end(answer.body);
  };
  const server = await listen((request, response) => handler(request, response).catch((e) => {
    if (!response.headersSent && !response.destroyed) response.writeHead(502).end(String(e));
  }), host);
  return {
    port: server.port,
    origin: `http://${host || "127.0.0.1"}:${server.port}`,
    log,
    rules,
    on: (rule) => (rules.push(rule), rule),
    // sent lists the requests for a path since an entry of the log.
    sent: (path, since = 0) => log.slice(since).filter((entry) => entry.path == path && entry.method != "OPTIONS"),
    reset: () => void (rules.length = 0),
    close: server.close,
  };
};

const pass = (to, url, entry) => new Promise((done, fail) => {
  const headers = {...entry.headers};
  delete headers.connection;
  const request = http.request({host: to.hostname, port: to.port, method: entry.method, path: url, headers}, async (answer) => {
    const chunks = [];
    for await (const chunk of answer) chunks.push(chunk);
    const headers = {...answer.headers};
    delete headers["transfer-encoding"];
    delete headers.connection;
    delete headers["content-length"];
    const body = Buffer.concat(chunks).toString();
    done({status: answer.statusCode, headers, body});
  });
  request.on("error", fail);
  request.end(entry.body);
});

// shorten makes the access tokens of an answer look as if they ended after some seconds.
export const shorten = (seconds) => (entry, answer) => {
  const body = JSON.parse(answer.body);
  if (body.expires_in) answer.body = JSON.stringify({...body, expires_in: seconds});
};

export const chromiumPath = process.env.CHROMIUM || ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);

// launch starts Chromium. It has the cache of whole pages that Playwright turns off.
export const launch = (...args) => require("playwright-core").chromium.launch({
  executablePath: chromiumPath,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", ...args],
  ignoreDefaultArgs: ["--disable-back-forward-cache"],
});

// open opens the test's page with a client in a context, or without one.
export const open = async (context, origin, options) => {
  const page = await context.newPage();
  await go(page, origin, options);
  return page;
};

export const go = async (page, origin, options) => {
  await page.goto(`${origin}/page#${options ? encodeURIComponent(JSON.stringify(options)) : ""}`);
  await page.waitForFunction(() => window.isReady);
};

// later is a promise that the test keeps.
export const later = () => {
  const later = {};
  later.promise = new Promise((done) => later.done = done);
  return later;
};

export const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

// until waits until a condition holds.
export const until = async (condition, what, limit = 10_000) => {
  for (const end = Date.now() + limit; !await condition(); await sleep(25)) {
    if (Date.now() > end) throw new Error(`${what} did not happen within ${limit} ms`);
  }
};
