// The real server, a proxy that drops and changes its answers, and Chromium.
import assert from "node:assert/strict";
import {execFileSync, spawn} from "node:child_process";
import {once} from "node:events";
import {existsSync, mkdtempSync, readFileSync, readdirSync, rmSync} from "node:fs";
import http from "node:http";
import https from "node:https";
import {createRequire} from "node:module";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {fileURLToPath} from "node:url";

export const root = fileURLToPath(new URL("../../", import.meta.url));
export const tools = join(root, ".cache/web/node");
const require = createRequire(join(tools, "package.json"));
const edgeauth = join(root, "bin/edgeauth");
export const password = "correct horse battery";

// The hosts of the tests. Chromium finds all of them on this machine.
export const hosts = {app: "app.example.test", sibling: "other.example.test", neighbour: "neighbour.example.test", stranger: "stranger.test"};

// listen starts a server on a port of this machine.
export const listen = async (server, port = 0) => {
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {port: server.address().port, close: () => (server.close(), server.closeAllConnections())};
};

// startGate is a proxy without TLS in front of a server. Its log has an entry for each request.
// before gets the entry and the response, and is awaited; if it returns true, the request is not
// forwarded.
export const startGate = async (target, before = () => {}) => {
  const {hostname, port, host} = new URL(target), log = [];
  const server = await listen(http.createServer(async (request, response) => {
    const entry = {line: request.method + " " + request.url, headers: request.headers};
    log.push(entry);
    if (await before(entry, response)) return;
    const call = http.request({host: hostname, port, method: request.method, path: request.url, headers: {...request.headers, host}}, (answer) => {
      entry.status = answer.statusCode;
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    call.on("error", () => response.destroy());
    request.pipe(call);
  }));
  return {...server, log};
};

// freePort returns a port that a server can have soon.
export const freePort = async () => {
  const {port, close} = await listen(http.createServer());
  close();
  return port;
};

// startServer runs "edgeauth dev", with more arguments, in front of an API that echoes the request.
export const startServer = async (...more) => {
  const received = []; // by the API
  const api = await listen(http.createServer((request, response) => {
    received.push(request.method + " " + request.url);
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify({path: request.url, sub: request.headers["x-edgeauth-sub"], sid: request.headers["x-edgeauth-sid"], email: request.headers["x-edgeauth-email"]}));
  }));
  const server = await startAlone("--upstream", `http://127.0.0.1:${api.port}`, ...more);
  return {
    ...server, received,
    async stop() {
      await server.stop();
      api.close();
    },
  };
};

// startAlone runs "edgeauth dev" without an API of its own.
export const startAlone = async (...more) => {
  const data = mkdtempSync(join(tmpdir(), "edgeauth-web-"));
  const child = spawn(edgeauth, ["dev", "--addr", "127.0.0.1:0", "--data", data, ...more], {stdio: ["ignore", "pipe", "pipe"]});
  let out = "", log = "";
  child.stderr.on("data", (chunk) => log += chunk);
  const url = await new Promise((done, fail) => {
    child.stdout.on("data", (chunk) => {
      out += chunk;
      const found = /edgeauth runs on (\S+?)[\s,]/.exec(out);
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
    url, data, run,
    log: () => log,
    // nextUser is the e-mail of a user for one test, so that no test disturbs another one.
    nextUser: () => `user${++users}@example.com`,
    async stop() {
      const ended = once(child, "exit");
      child.kill();
      await ended;
      rmSync(data, {recursive: true, force: true});
    },
  };
};

// startSite runs a server with TLS and the names that cookies have in a deployment, and a proxy for each host: the
// application with its API, two other hosts of the same site, and another site. Pages of the sibling may read the answers
// (CORS). The route GET /checked has the session authorizer.
export const startSite = async (...more) => {
  const port = await freePort();
  const server = await startServer(
    "--tls", "--host", hosts.app, "--origin", `https://${hosts.sibling}:${port}`, "--checked", "GET /checked",
    ...more, "--config", JSON.stringify({token_sources: ["header:Authorization", "cookie:__Host-Http-access", "cookie:__Host-Http-session"]}),
  );
  const certificate = {cert: readFileSync(join(server.data, "tls.crt")), key: readFileSync(join(server.data, "tls.key"))};
  const proxies = {
    app: await startProxy(server.url, certificate, hosts.app),
    sibling: await startProxy(server.url, certificate, hosts.sibling, port),
    neighbour: await startProxy(server.url, certificate, hosts.neighbour),
    stranger: await startProxy(server.url, certificate, hosts.stranger),
  };
  return {
    ...server, ...proxies,
    async stop() {
      for (const proxy of Object.values(proxies)) proxy.close();
      await server.stop();
    },
  };
};

const page = `<!doctype html><meta charset="utf-8"><title>test</title><link rel="icon" href="data:,">
<script type="module">
  import {createAuth} from "/edgeauth/edgeauth.js";
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
const startProxy = async (target, certificate, host, port) => {
  const rules = [], log = [];
  const to = new URL(target);
  const handler = async (request, response) => {
    const path = request.url.split("?")[0];
    if (path == "/page") return response.writeHead(200, {"Content-Type": "text/html"}).end(page);
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const entry = {method: request.method, path, headers: request.headers, body: Buffer.concat(chunks).toString(), at: Date.now()};
    log.push(entry);
    const rule = rules.find((rule) => rule.path == path && (rule.method || entry.method) == entry.method && (rule.times ?? 1) > 0);
    if (rule?.times) rule.times--;
    let answer = await rule?.before?.(entry);
    // Other hosts serve the client. The server would refuse their other requests, because it does
    // not know the hosts.
    if (host != hosts.app) entry.headers.host = path.startsWith("/edgeauth/") ? hosts.app : host;
    answer ||= await pass(to, request.url, entry);
    entry.status = answer.status;
    entry.answer = answer;
    if (await rule?.after?.(entry, answer) == "drop") return request.socket.destroy();
    if (response.destroyed) return;
    response.writeHead(answer.status, answer.headers).end(answer.body);
  };
  const server = await listen(https.createServer(certificate, (request, response) => handler(request, response).catch((e) => {
    if (!response.headersSent && !response.destroyed) response.writeHead(502).end(String(e));
  })), port);
  return {
    origin: `https://${host}:${server.port}`,
    log,
    rules,
    on: (rule) => (rules.push(rule), rule),
    // sent lists the requests for a path since an entry of the log.
    sent: (path, since = 0) => log.slice(since).filter((entry) => entry.path == path && entry.method != "OPTIONS"),
    reset: () => void (rules.length = 0),
    close: server.close,
  };
};

const agent = new https.Agent({keepAlive: true, maxSockets: 16});

const pass = (to, url, entry) => new Promise((done, fail) => {
  const headers = {...entry.headers};
  delete headers.connection;
  const request = https.request({host: to.hostname, port: to.port, rejectUnauthorized: false, agent, method: entry.method, path: url, headers}, async (answer) => {
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

// shorten makes the access tokens of an answer seem to expire after some seconds.
export const shorten = (seconds) => (entry, answer) => {
  const body = JSON.parse(answer.body);
  if (body.expires_in) answer.body = JSON.stringify({...body, expires_in: seconds});
};

const chromium = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) => path && existsSync(path));

// skip is the reason why tests in Chromium are left out, or false. make test-web lists it.
export const skip = !chromium && "Chromium is missing";

// How Chromium starts: with the cache of whole pages, which Playwright turns off.
const start = {
  executablePath: chromium,
  args: ["--no-sandbox", "--host-resolver-rules=MAP *.test 127.0.0.1", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ignoreDefaultArgs: ["--disable-back-forward-cache"],
};

export const launch = () => require("playwright-core").chromium.launch(start);

// launchStoppable starts a Chromium; its function signal sends a signal to every process of this
// Chromium.
export const launchStoppable = async () => {
  const {chromium} = require("playwright-core"), server = await chromium.launchServer(start);
  const signal = (name) => {
    const parents = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map((pid) => {
      try {
        return [+pid, +readFileSync(`/proc/${pid}/stat`, "utf8").replace(/.*\) /, "").split(" ")[1]];
      } catch {
        return [0, 0]; // it has just ended
      }
    });
    const all = [server.process().pid];
    for (const pid of all) all.push(...parents.filter(([, parent]) => parent == pid).map(([pid]) => pid));
    for (const pid of all) process.kill(pid, name);
    return all.length;
  };
  return {browser: await chromium.connect(server.wsEndpoint()), signal, close: () => server.close()};
};

// profile is a separate browser profile.
export const profile = (browser) => browser.newContext({ignoreHTTPSErrors: true});

// tab opens the test's page with a client. Without options, the page has none.
export const tab = async (context, origin, options) => {
  const page = await context.newPage();
  await page.goto(`${origin}/page#${options ? encodeURIComponent(JSON.stringify(options)) : ""}`);
  await page.waitForFunction(() => window.isReady);
  return page;
};

export const reload = async (page) => {
  await page.reload();
  await page.waitForFunction(() => window.isReady);
};

// The actions of a user on a page.
export const signIn = (page, email, more) => page.evaluate((fields) => auth.login(fields), {email, password, ...more});
export const signOut = (page) => page.evaluate(() => auth.logout());
export const session = (page) => page.evaluate(() => auth.session());
export const status = (page, path, init) => page.evaluate(([path, init]) => auth.fetch(path, init).then((answer) => answer.status), [path, init]);
export const told = (page) => page.evaluate(() => told);
export const heard = (page, type) => until(async () => (await told(page)).at(-1) == type, type);

// judge runs axe-core on a page, and fails if the page is wider than its screen.
export const judge = async (page, what) => {
  await page.evaluate(readFileSync(join(tools, "node_modules/axe-core/axe.min.js"), "utf8"));
  const found = await page.evaluate(() => axe.run(document, {resultTypes: ["violations"]}));
  assert.deepEqual(found.violations.map(({id, nodes}) => [id, nodes.map(({html, failureSummary}) => html + failureSummary)]), [], what);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false, `${what}: the page is wider than the screen`);
};

// mailOf waits for the mail with a reference, and reads its code and its link. The inbox is that of "edgeauth dev".
export const mailOf = async (inbox, reference) => {
  let mail;
  await until(async () => {
    const {mails} = await (await fetch(inbox)).json();
    return mail = mails.find(({subject}) => subject.endsWith("reference " + reference));
  }, "the mail " + reference);
  return {...mail, code: /^ +(\d{8})$/m.exec(mail.text)?.[1], links: [...new Set((mail.text + mail.html.replaceAll("&amp;", "&")).match(/https?:\/\/[^\s"<>]+/g))]};
};

// later is a promise that the test resolves.
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
