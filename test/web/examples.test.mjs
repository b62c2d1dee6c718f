// The examples of browser.md in Chromium, each in front of the local server. localhost and 127.0.0.1 are two sites, and
// both are trustworthy without TLS; another port of localhost is another origin of the same site.
import assert from "node:assert/strict";
import {execFile} from "node:child_process";
import {readFileSync} from "node:fs";
import http from "node:http";
import {join} from "node:path";
import {after, before, describe, test} from "node:test";
import {promisify} from "node:util";
import {apps, pinned, skip as isMissing, start} from "./apps.mjs";
import {freePort, later, launch, listen, password, root, skip, startGate, startServer} from "./harness.mjs";

let server, browser, strangers;
const ports = new Map(), originOf = (app) => `http://localhost:${ports.get(app)}`;

before(async () => {
  if (skip) return;
  for (const app of apps) ports.set(app, await freePort());
  server = await startServer("--config", JSON.stringify({
    origins: apps.map(originOf), token_sources: ["header:Authorization", "cookie:__Host-Http-access"], email_claims: true, context_claims: ["email"],
  }));
  browser = await launch();
  strangers = await listen(http.createServer((request, response) => response.writeHead(200, {"Content-Type": "text/html"}).end("<!doctype html>")));
});

after(async () => {
  await browser?.close();
  strangers?.close();
  await server?.stop();
});

test("the smallest application: sign-in, reload, a call, two tabs, sign-out", {skip}, async () => {
  // the application and the API on one origin, with the policy that the CDN of examples/cdn adds to the page
  const [, policy] = /^ +ContentSecurityPolicy: (\S.+)$/m.exec(readFileSync(join(root, "examples/cdn/cdn.yaml"), "utf8"));
  const files = {"GET /": ["index.html", "text/html"], "GET /app.js": ["app.js", "text/javascript"]};
  const spa = await startGate(server.url, ({line}, response) => {
    const file = files[line];
    return file && response.writeHead(200, {"Content-Type": file[1], "Content-Security-Policy": policy}).end(readFileSync(join(root, "examples/spa", file[0])));
  });
  const context = await browser.newContext(), tab = await context.newPage(), address = `http://localhost:${spa.port}/`;
  await tab.goto(address);
  await tab.waitForSelector("form:not([hidden])");
  await tab.fill("[name=email]", server.nextUser());
  await tab.fill("[name=password]", "wrong");
  await tab.click("form button");
  await tab.getByText("invalid_credentials").waitFor();
  await tab.fill("[name=password]", password);
  await tab.click("form button");
  await tab.getByText('"path":"/orders"').waitFor();
  await tab.reload();
  await tab.getByText('"path":"/orders"').waitFor();
  const other = await context.newPage();
  await other.goto(address);
  await other.getByText('"path":"/orders"').waitFor();
  await tab.getByRole("button", {name: "Sign out"}).click();
  for (const each of [tab, other]) await each.waitForSelector("form:not([hidden])");
  assert.equal(await tab.textContent("pre"), "");
  await context.close();
  spa.close();
});

const suite = (app) => {
  let origin, gate, running, hold, isHeld; // isHeld is for requests whose answer waits for hold
  before(async () => {
    origin = originOf(app);
    isHeld = () => false;
    gate = await startGate(server.url, async (entry) => isHeld(entry) && hold.promise);
    running = await start(app, {port: ports.get(app), origin, api: `http://127.0.0.1:${gate.port}`});
  });
  after(async () => {
    await running?.stop();
    gate?.close();
  });

  // sent lists the requests of the example to the API since an entry of the log.
  const sent = (since) => gate.log.slice(since).map(({line}) => line);
  const succeeded = (since) => gate.log.slice(since).filter(({status}) => status < 400).map(({line}) => line);
  const isOurs = (cookie) => cookie.startsWith("edgeauth-");
  const cookiesOf = async (context) => (await context.cookies(origin)).map(({name, value}) => name + "=" + value).filter(isOurs).sort();
  const drop = (context) => context.clearCookies({name: "edgeauth-access"});
  const isShown = (page) => page.waitForSelector("pre");
  const press = (page, name) => Promise.all([page.waitForNavigation(), page.getByRole("button", {name}).click()]);

  // signIn opens a session in a separate profile.
  const signIn = async () => {
    const context = await browser.newContext(), page = await context.newPage(), email = server.nextUser();
    await page.goto(origin + "/");
    assert.equal(page.url(), origin + "/sign-in");
    await page.fill("[name=email]", email);
    await page.fill("[name=password]", password);
    await page.click("form button");
    await isShown(page);
    return {context, page, email};
  };

  // send sends a request like a program, with any header, and returns when the headers of the
  // answer have arrived.
  const send = (method, path, headers, body) => new Promise((done, fail) => {
    const request = http.request(origin + path, {method, headers}, (answer) => {
      const text = async () => Buffer.concat(await answer.toArray()).toString();
      done({status: answer.statusCode, headers: answer.headers, cookies: answer.headers["set-cookie"] || [], text});
    });
    request.on("error", fail);
    request.end(body);
  });
  const visit = {"sec-fetch-site": "none", "sec-fetch-dest": "document"};
  const formType = {"content-type": "application/x-www-form-urlencoded"};

  // link goes from a page of another site to the example.
  const link = async (page) => {
    await page.goto(`http://127.0.0.1:${strangers.port}/`);
    await page.evaluate((href) => document.body.append(Object.assign(document.createElement("a"), {href, textContent: "link"})), origin + "/");
    await page.click("a");
  };

  test("sign-in, a rendered page, refresh, a link from another site, sign-out", async () => {
    const {context, page, email} = await signIn();
    assert.match(await page.textContent("pre"), /"path":"\/orders"/);
    assert.equal(await page.evaluate(() => document.cookie), "");
    let since = gate.log.length;
    await press(page, "Order");
    await isShown(page);
    assert.deepEqual(sent(since), ["POST /orders", "GET /orders"]);

    const old = await cookiesOf(context);
    await drop(context);
    since = gate.log.length;
    await page.reload();
    await isShown(page);
    assert.deepEqual(sent(since), ["POST /auth/refresh", "GET /orders"]);
    const fresh = await cookiesOf(context);
    assert.equal(fresh.length, old.length);
    assert.ok(fresh.every((cookie) => !old.includes(cookie) || cookie.startsWith("edgeauth-device=")));

    const answer = await send("GET", "/", {...visit, cookie: fresh.join("; ")});
    assert.match(answer.headers["cache-control"], /no-store/);
    assert.match(answer.headers["content-security-policy"], /frame-ancestors 'none'/);
    assert.ok((await answer.text()).includes(email), "the server renders it");

    await drop(context);
    await link(page);
    await isShown(page); // the strict cookie came with the reload

    await drop(context);
    await press(page, "Sign out");
    assert.equal(page.url(), origin + "/sign-in");
    assert.deepEqual((await cookiesOf(context)).filter((cookie) => !cookie.startsWith("edgeauth-device=")), []);
    await page.goto(origin + "/");
    assert.equal(page.url(), origin + "/sign-in");

    // The server accepts the end only after a second refresh: another tab may have replaced the
    // cookie.
    const late = fresh.filter((cookie) => cookie.startsWith("edgeauth-refresh=")).join();
    const first = await send("GET", "/", {...visit, cookie: late});
    assert.match(await first.text(), /http-equiv=refresh/);
    const second = await send("GET", "/", {...visit, cookie: late + "; " + first.cookies.at(-1).split(";")[0]});
    assert.deepEqual([second.status, new URL(second.headers.location, origin).pathname], [303, "/sign-in"]);

    // Without a session, the link ends at the login page after one reload.
    await context.clearCookies();
    await link(page);
    await page.waitForURL(origin + "/sign-in");
    await context.close();
  });

  test("pages that are loaded at the same time do not end the session", async () => {
    const {context, page} = await signIn(), pages = [page, await context.newPage(), await context.newPage()];
    for (let i = 0; i < 2; i++) {
      await drop(context);
      await Promise.all(pages.map((page) => page.goto(origin + "/")));
      await Promise.all(pages.map(isShown));
    }
    await context.close();
  });

  test("the new cookies leave before the page is rendered", async () => {
    const {context, email} = await signIn();
    await drop(context);
    hold = later();
    isHeld = ({line}) => line == "GET /orders";
    try {
      const answer = await send("GET", "/", {...visit, cookie: (await cookiesOf(context)).join("; ")});
      assert.ok(answer.cookies.some((line) => line.startsWith("edgeauth-access=")));
      hold.done(false);
      assert.ok((await answer.text()).includes(email));
    } finally {
      isHeld = () => false;
      hold.done(false);
      await context.close();
    }
  });

  test("an access token is replaced 30 seconds before its end, an opaque session never", async () => {
    const {context} = await signIn(), late = (await cookiesOf(context)).filter((cookie) => !cookie.startsWith("edgeauth-access=")).join("; ");
    const token = (seconds) => "edgeauth-access=a." + Buffer.from(JSON.stringify({exp: Math.ceil(Date.now() / 1000) + seconds})).toString("base64url") + ".c";
    for (const [cookie, want] of [[token(20), 1], [token(-20), 1], ["edgeauth-access=a.b.c", 1], [token(600), 0], ["edgeauth-session=x", 0]]) {
      const since = gate.log.length, answer = await send("GET", "/", {...visit, cookie: late + "; " + cookie});
      assert.equal(answer.status, 200);
      await answer.text();
      assert.equal(sent(since).filter((line) => line == "POST /auth/refresh").length, want, cookie);
      assert.equal(answer.cookies.filter((line) => line.startsWith("edgeauth-access=")).length, want, cookie);
    }
    if (app.script) {
      const own = {"sec-fetch-site": "same-origin", "sec-fetch-dest": "empty", ...app.script.headers};
      const answer = await send("GET", app.script.path, {...own, cookie: late});
      assert.ok(answer.cookies.some((line) => line.startsWith("edgeauth-access=")));
      const out = await send("GET", app.script.path, own);
      assert.match(await out.text() + out.headers.location, /\/sign-in/);
    }
    await context.close();
  });

  test("an API that does not answer signs no user out, and does not stop the pages", async () => {
    const late = await signIn(), fresh = await signIn();
    await drop(late.context);
    const before = [await cookiesOf(late.context), await cookiesOf(fresh.context)];
    hold = later();
    isHeld = () => true;
    try {
      const [answer] = await Promise.all([late.page.reload(), fresh.page.reload()]); // 10 seconds
      assert.equal(answer.status(), 503);
      await fresh.page.getByText("cannot be reached").waitFor();
    } finally {
      isHeld = () => false;
      hold.done(true);
    }
    assert.deepEqual([await cookiesOf(late.context), await cookiesOf(fresh.context)], before);
    await Promise.all([late, fresh].map(async ({context, page}) => {
      await page.reload();
      await isShown(page);
      await context.close();
    }));
  });

  for (const [name, host] of [["cross-site", "127.0.0.1"], ["same-site", "localhost"]]) {
    test(`a ${name} page changes nothing`, async () => {
      const {context, page} = await signIn();
      for (const isLate of [false, true]) {
        if (isLate) await drop(context);
        const cookies = await cookiesOf(context), since = gate.log.length;
        const evil = await context.newPage();
        await evil.goto(`http://${host}:${strangers.port}/`);
        await evil.evaluate(async ([origin, paths, email, password]) => {
          const fields = {email, password};
          for (const mode of ["cors", "no-cors"]) {
            for (const path of paths) await fetch(origin + path, {method: "POST", body: new URLSearchParams(fields), mode, credentials: "include"}).catch(() => {});
          }
          if (location.hostname == "localhost") await fetch(origin + "/sign-in", {mode: "no-cors", credentials: "include"});
          for (const path of paths) {
            const frame = Object.assign(document.createElement("iframe"), {name: "f" + path});
            const form = Object.assign(document.createElement("form"), {method: "POST", action: origin + path, target: frame.name});
            for (const [name, value] of Object.entries(fields)) form.append(Object.assign(document.createElement("input"), {name, value}));
            document.body.append(frame, form);
            const loaded = new Promise((done) => frame.onload = done);
            form.submit();
            await Promise.race([loaded, new Promise((done) => setTimeout(done, 1000))]);
          }
        }, [origin, Object.values(app.posts), server.nextUser(), password]);
        assert.deepEqual(await cookiesOf(context), cookies);
        assert.deepEqual(succeeded(since), []);
        // and as a page of its own
        await Promise.all([evil.waitForNavigation(), evil.evaluate((action) => {
          const form = Object.assign(document.createElement("form"), {method: "POST", action});
          document.body.append(form);
          form.submit();
        }, origin + app.posts.signOut)]);
        await evil.close();
        // A redirect to the login page is a visit of the user, which may refresh.
        assert.deepEqual(succeeded(since).filter((line) => line != "POST /auth/refresh"), []);
      }
      await page.reload();
      await isShown(page);
      await context.close();
    });
  }

  test("its own origin never stands for that of a stranger", async () => {
    const {context} = await signIn();
    const cookie = (await cookiesOf(context)).join("; "), late = cookie.replace(/edgeauth-access=[^;]*(; )?/, ""), since = gate.log.length;
    for (const headers of [
      {"sec-fetch-site": "same-site", origin: "http://localhost:1"}, {"sec-fetch-site": "cross-site", origin: "https://evil.example"},
      {"sec-fetch-site": "same-site"}, {origin: "null"}, {},
    ]) {
      for (const path of Object.values(app.posts)) {
        for (const one of [cookie, late]) {
          const answer = await send("POST", path, {...headers, ...formType, cookie: one}, "email=a@example.com&password=x");
          assert.deepEqual(answer.cookies.filter(isOurs), [], path + JSON.stringify(headers));
        }
      }
    }
    for (const dest of ["image", "iframe", "empty"]) {
      const answer = await send("GET", "/", {"sec-fetch-site": "same-site", "sec-fetch-dest": dest, cookie: late});
      assert.deepEqual(answer.cookies, [], dest);
    }
    assert.deepEqual(succeeded(since), []);
    await context.close();
  });

  test("what a client sends is no fault, and the cookies of one user are not another's", async () => {
    const junk = "edgeauth-refresh=%; =; edgeauth-access=a.b.c", since = gate.log.length;
    for (const [path, body, more] of [
      [app.posts.signIn, "x".repeat(200_000)], [app.posts.signIn, "email=a&email=b"], [app.posts.signIn, ""], [app.posts.signIn, "email=a@example.com&password=x"],
      [app.posts.signIn, "email=%00%ff", {"content-type": "application/x-www-form-urlencoded; charset=x"}],
      [app.posts.signIn, "--x\r\n", {"content-type": "multipart/form-data; boundary=y"}], [app.posts.signIn, "{}", {"content-type": "application/json"}],
      [app.posts.signOut, "", {cookie: junk}], [app.posts.order, "", {cookie: `edgeauth-access=a.${Buffer.from("[".repeat(3000)).toString("base64url")}.c; edgeauth-refresh=\xe9`}],
    ]) {
      const {status} = await send("POST", path, {...formType, origin, "sec-fetch-site": "same-origin", "user-agent": "\xe9", get: "x", ...more}, body);
      assert.ok(status < 500, `${path} ${body.slice(0, 20)}: ${status}`);
    }
    assert.ok(sent(since).includes("POST /auth/login"));
    assert.deepEqual(gate.log.slice(since).map(({headers}) => headers.cookie).filter((cookie) => /eyJ|ert_/.test(cookie)), []);
  });

  test("no redirect names a host that a client has named", async () => {
    for (const path of ["/", "/sign-in", "/sign-in/", "//evil.example/", "/\\evil.example"]) {
      const {headers} = await send("GET", path, {...visit, host: "evil.example", "x-forwarded-host": "evil.example", "x-forwarded-proto": "https"});
      assert.doesNotMatch(headers.location ?? "", /^(https?:)?[/\\]{2}evil/, path);
    }
  });

  // Next.js logs a client that goes away in the middle of a request.
  const gone = /^(⨯ uncaughtException: +)?Error: aborted\n +at ignore-listed frames \{\n +code: 'ECONNRESET'\n\}\n/gm;
  test("no fault was logged", () => assert.equal(running.log().replace(gone, ""), ""));

  if (app.needs.startsWith("node_modules")) {
    test("the packages of the example are those of the test", () => {
      for (const [name, named, fetched] of pinned(app)) assert.equal(named, fetched, name);
    });
  }
};

const fastapi = apps.find(({folder}) => folder == "fastapi");

test("in Python too, cookies go to the API alone", {skip: isMissing(fastapi)}, async () => {
  const seen = [];
  const {port, close} = await listen(http.createServer((request, response) => {
    seen.push([request.url, request.headers.cookie]);
    response.writeHead(302, {Location: `http://localhost:${port}/elsewhere`}).end();
  }));
  const script = `
import asyncio, sys
from starlette.requests import Request
from edgeauth import ServerAuth
auth = ServerAuth(sys.argv[1], "http://localhost:3000").of(Request({"type": "http", "method": "GET", "headers": [(b"cookie", b"other=1; edgeauth-session=s")]}))
assert asyncio.run(auth.fetch("GET", "@localhost:%s/x" % sys.argv[2])).status_code == 302`;
  const stranger = await listen(http.createServer((request, response) => response.writeHead(302).end()));
  await promisify(execFile)(join(root, ".cache/web/fastapi/bin/python"), ["-B", "-c", script, `http://127.0.0.1:${port}`, String(stranger.port)], {cwd: join(root, "examples/fastapi")});
  assert.deepEqual(seen, [["/@localhost:" + stranger.port + "/x", "edgeauth-session=s"]]);
  close();
  stranger.close();
});

// Two examples at a time: while one is built or waits, the other is tested.
describe("servers that render pages", {skip, concurrency: 2}, () => {
  for (const app of apps) describe(app.name, {skip: isMissing(app), concurrency: 1}, () => suite(app));
});
