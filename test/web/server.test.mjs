// web/server.js and examples/express in front of the local server. localhost and 127.0.0.1 are two sites, and both
// are trustworthy without TLS; another port of localhost is another origin of the same site.
import assert from "node:assert/strict";
import {spawn} from "node:child_process";
import {once} from "node:events";
import {cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync} from "node:fs";
import http from "node:http";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {after, before, describe, test} from "node:test";
import {createServerAuth as create} from "../../web/server.js";
import {freePort, launch, listen, password, root, skip as isWithoutBrowser, startServer, until} from "./harness.mjs";

const express = join(root, ".cache/web/express/node_modules");
const skip = !existsSync(join(express, "express")) && "Express is missing: test/fetch.sh web";
const createServerAuth = (options) => {
  const of = create(options);
  return (headers, method) => of(new Headers(headers), method);
};
const visit = {"sec-fetch-site": "none", "sec-fetch-dest": "document"};
let server, origin, port, child, folder, log = "", authOf;

before(async () => {
  port = await freePort();
  origin = `http://localhost:${port}`;
  server = await startServer("--config", JSON.stringify({origins: [origin], token_sources: ["header:Authorization", "cookie:__Host-Http-access"]}));
  authOf = createServerAuth({base: server.url + "/", origin});
  if (skip) return;
  folder = mkdtempSync(join(tmpdir(), "edgeauth-express-"));
  cpSync(join(root, "examples/express"), folder, {recursive: true});
  mkdirSync(join(folder, "node_modules/@edgeauth"), {recursive: true});
  symlinkSync(join(express, "express"), join(folder, "node_modules/express"));
  symlinkSync(join(root, "web"), join(folder, "node_modules/@edgeauth/browser"));
  child = spawn("node", ["server.js"], {cwd: folder, env: {...process.env, PORT: port, ORIGIN: origin, API: server.url}, stdio: ["ignore", "inherit", "pipe"]});
  child.stderr.on("data", (chunk) => log += chunk);
  await until(() => fetch(origin + "/sign-in").then(() => true, () => false), "the start of Express");
});

after(async () => {
  if (child) {
    const ended = once(child, "exit");
    child.kill();
    await ended;
    rmSync(folder, {recursive: true, force: true});
  }
  await server?.stop();
});

// merge is the cookie header of a browser after lines of Set-Cookie.
const merge = (cookie, lines) => {
  const jar = new Map(cookie.split("; ").filter(Boolean).map((pair) => pair.split("=")));
  for (const line of lines) {
    const [name, value] = line.split(";")[0].split("=");
    value ? jar.set(name, value) : jar.delete(name);
  }
  return [...jar].map((pair) => pair.join("=")).join("; ");
};

const without = (cookie, name) => cookie.split("; ").filter((pair) => !pair.startsWith(`edgeauth-${name}=`)).join("; ");

// signIn returns the cookies of a new session.
const signIn = async (delivery = "cookies") => {
  const auth = authOf({"sec-fetch-site": "same-origin", origin}, "POST");
  const answer = await auth.fetch("/auth/login", {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify({email: server.nextUser(), password, delivery})});
  assert.equal(answer.status, 200);
  return merge("", auth.cookies);
};

describe("server.js", () => {
  test("it calls the API with the cookies of the browser", async () => {
    const cookie = "other=1; " + await signIn();
    const auth = authOf({cookie, ...visit}, "GET");
    assert.equal(await auth.refresh(), true);
    assert.deepEqual(auth.cookies, []); // the token is young
    const answer = await auth.fetch("/orders");
    assert.equal(answer.status, 200);
    assert.ok((await answer.json()).sid);
  });

  test("it refreshes once, and uses and hands out the new cookies", async () => {
    const cookie = without(await signIn(), "access");
    const auth = authOf({cookie, ...visit}, "GET");
    assert.deepEqual(await Promise.all([auth.refresh(), auth.refresh()]), [true, true]);
    assert.equal(auth.cookies.filter((line) => line.startsWith("edgeauth-access=")).length, 1);
    assert.equal((await auth.fetch("/orders")).status, 200);
    const next = merge(cookie, auth.cookies);
    assert.equal((await authOf({cookie: next, ...visit}, "GET").fetch("/orders")).status, 200);
    assert.equal(auth.reload(), undefined);
  });

  test("a session cookie needs no refresh", async () => {
    const auth = authOf({cookie: await signIn("session"), ...visit}, "GET");
    assert.equal(await auth.refresh(), true);
    assert.deepEqual(auth.cookies, []);
  });

  test("its own origin never stands for that of a stranger", async () => {
    const cookie = await signIn(), late = without(cookie, "access"), received = server.received.length;
    for (const headers of [
      {"sec-fetch-site": "same-site", origin: "http://localhost:1"}, {"sec-fetch-site": "cross-site", origin: "https://evil.example"},
      {"sec-fetch-site": "same-site"}, {origin: "null"}, {},
    ]) {
      const said = JSON.stringify(headers);
      const auth = authOf({cookie: late, ...headers}, "POST");
      assert.equal(await auth.refresh(), false, said);
      for (const path of ["/auth/refresh", "/auth/logout", "/orders"]) {
        const auth = authOf({cookie, ...headers}, "POST");
        assert.equal((await auth.fetch(path, {method: "POST", headers: {"Content-Type": "application/json"}, body: "{}"})).status, 403, path + said);
        assert.deepEqual(auth.cookies, []);
      }
      assert.deepEqual(auth.cookies, []);
    }
    // nor in a GET of a page that writes
    const auth = authOf({cookie, "sec-fetch-site": "same-site"}, "GET");
    assert.equal((await auth.fetch("/orders", {method: "POST", headers: {Origin: origin, "Sec-Fetch-Site": "same-origin"}})).status, 403);
    assert.deepEqual(server.received.slice(received), []);
    const own = authOf({cookie: late, "sec-fetch-site": "same-origin", origin}, "POST");
    assert.equal(await own.refresh(), true);
  });

  test("a picture or a frame of another origin causes no refresh, a link does", async () => {
    const cookie = without(await signIn(), "access");
    for (const dest of ["image", "iframe", "empty"]) {
      const auth = authOf({cookie, "sec-fetch-site": "same-site", "sec-fetch-dest": dest}, "GET");
      assert.equal(await auth.refresh(), false);
      assert.deepEqual(auth.cookies, []);
    }
    assert.equal(await authOf({cookie, "sec-fetch-site": "same-site", "sec-fetch-dest": "document"}, "GET").refresh(), true);
  });

  test("a browser that comes from another site reloads once and is not sent to the login page", async () => {
    const link = {"sec-fetch-site": "cross-site", "sec-fetch-dest": "document"};
    const first = authOf(link, "GET");
    assert.equal(await first.refresh(), false);
    assert.match(first.reload(), /http-equiv=refresh/);
    const second = authOf({...link, cookie: merge("", first.cookies)}, "GET").reload();
    assert.ok(second && !second.includes("http-equiv"), "it reloads for ever");
    assert.ok(!authOf(link, "POST").reload().includes("http-equiv"));
    assert.equal(authOf({...visit, "sec-fetch-site": "same-origin"}, "GET").reload(), undefined);
  });

  test("the end of a session is believed after a second refresh", async () => {
    const cookie = without(await signIn(), "access");
    const own = {"sec-fetch-site": "same-origin", origin};
    assert.equal((await authOf({cookie, ...own}, "POST").fetch("/auth/logout", {method: "POST", headers: {"Content-Type": "application/json"}, body: "{}"})).status, 200);
    const first = authOf({cookie, ...visit}, "GET");
    assert.equal(await first.refresh(), false);
    assert.match(first.reload(), /http-equiv=refresh/);
    const second = authOf({cookie: merge(cookie, first.cookies), ...visit}, "GET");
    assert.equal(await second.refresh(), false);
    assert.equal(second.reload(), undefined);
  });

  test("an API that decides nothing ends no session", async () => {
    const cookie = without(await signIn(), "access");
    const {port, close} = await listen(http.createServer((request, response) => response.writeHead(503, {"Content-Type": "application/json"}).end("{}")));
    for (const base of [`http://127.0.0.1:${port}`, "http://127.0.0.1:1"]) {
      await assert.rejects(createServerAuth({base, origin})({cookie, ...visit}, "GET").refresh());
    }
    close();
  });

  test("a call ends after 10 seconds", async (t) => {
    const asked = [];
    t.mock.method(AbortSignal, "timeout", (milliseconds) => (asked.push(milliseconds), AbortSignal.abort()));
    await assert.rejects(authOf({cookie: "edgeauth-refresh=x", ...visit}, "GET").refresh());
    assert.deepEqual(asked, [10_000]);
  });

  test("a deployment has its own names of cookies alone", async () => {
    const planted = createServerAuth({base: "https://127.0.0.1:1", origin: "https://app.example.com"});
    assert.equal(await planted({cookie: "edgeauth-session=s", ...visit}, "GET").refresh(), false);
    assert.equal(await planted({cookie: "__Host-Http-session=s", ...visit}, "GET").refresh(), true);
  });

  test("cookies go to the API alone", async () => {
    const seen = [];
    const {port, close} = await listen(http.createServer((request, response) => {
      seen.push([request.url, request.headers.cookie]);
      response.writeHead(302, {Location: `http://localhost:${port}/elsewhere`}).end();
    }));
    const auth = createServerAuth({base: `http://127.0.0.1:${port}/stage/`, origin})({cookie: "other=1; edgeauth-session=s"}, "GET");
    assert.equal((await auth.fetch("@evil.example/x")).status, 302);
    assert.deepEqual(seen, [["/stage/@evil.example/x", "edgeauth-session=s"]]);
    close();
  });
});

describe("examples in Chromium", {skip: skip || isWithoutBrowser}, () => {
  let browser, strangers, spa;
  before(async () => {
    browser = await launch();
    strangers = await listen(http.createServer((request, response) => response.writeHead(200, {"Content-Type": "text/html"}).end("<!doctype html>")));
    // the application and the API on one origin, with the policy that the CDN of examples/cdn adds to the page
    const [, policy] = /^ +ContentSecurityPolicy: (\S.+)$/m.exec(readFileSync(join(root, "examples/cdn/cdn.yaml"), "utf8"));
    spa = await listen(http.createServer(async (request, response) => {
      const file = {"/": ["index.html", "text/html"], "/app.js": ["app.js", "text/javascript"]}[request.url];
      if (file) return response.writeHead(200, {"Content-Type": file[1], "Content-Security-Policy": policy}).end(readFileSync(join(root, "examples/spa", file[0])));
      const {host, port} = new URL(server.url);
      const call = http.request({host: "127.0.0.1", port, method: request.method, path: request.url, headers: {...request.headers, host}}, (answer) => {
        response.writeHead(answer.statusCode, answer.headers);
        answer.pipe(response);
      });
      request.pipe(call);
    }));
  });
  after(async () => {
    await browser?.close();
    strangers?.close();
    spa?.close();
  });

  const fill = async (page, email) => {
    await page.fill("[name=email]", email);
    await page.fill("[name=password]", password);
    await page.click("form button");
  };
  const order = (page) => page.getByRole("button", {name: "Order"}).click();
  const state = async (context) => (await context.cookies(origin)).map(({name, value}) => name + "=" + value).sort();
  const drop = (context) => context.clearCookies({name: "edgeauth-access"});
  const follow = async (page, from) => {
    await page.goto(from);
    await page.evaluate((href) => document.body.append(Object.assign(document.createElement("a"), {href, textContent: "link"})), origin + "/");
    await page.click("a");
  };

  test("Express: sign-in, refresh, a link from another site, sign-out", async () => {
    const context = await browser.newContext(), page = await context.newPage();
    await page.goto(origin + "/");
    assert.equal(page.url(), origin + "/sign-in");
    await fill(page, server.nextUser());
    await page.waitForSelector("pre");
    assert.match(await page.textContent("pre"), /"path":"\/orders"/);
    assert.equal(await page.evaluate(() => document.cookie), "");
    const since = server.received.length;
    await Promise.all([page.waitForNavigation(), order(page)]);
    await page.waitForSelector("pre");
    assert.deepEqual(server.received.slice(since), ["POST /orders", "GET /orders"]);

    await drop(context);
    const old = await state(context);
    await page.reload();
    await page.waitForSelector("pre");
    assert.notDeepEqual(await state(context), old);

    await drop(context);
    await follow(page, `http://127.0.0.1:${strangers.port}/`);
    await page.waitForSelector("pre"); // the strict cookie came with the reload

    await page.getByRole("button", {name: "Sign out"}).click();
    await page.waitForURL(origin + "/sign-in");
    assert.deepEqual((await state(context)).filter((cookie) => cookie.startsWith("edgeauth-")), []);
    await page.goto(origin + "/");
    assert.equal(page.url(), origin + "/sign-in");

    // without a session, the link ends at the login page after one reload
    await context.clearCookies();
    await follow(page, `http://127.0.0.1:${strangers.port}/`);
    await page.waitForURL(origin + "/sign-in");
    await context.close();
  });

  for (const [name, host] of [["cross-site", "127.0.0.1"], ["same-site", "localhost"]]) {
    test(`Express: a ${name} page changes nothing`, async () => {
      const context = await browser.newContext(), page = await context.newPage();
      await page.goto(origin + "/sign-in");
      await fill(page, server.nextUser());
      await page.waitForSelector("pre");
      for (const isLate of [false, true]) {
        if (isLate) await drop(context);
        const cookies = await state(context), received = server.received.length;
        const evil = await context.newPage();
        await evil.goto(`http://${host}:${strangers.port}/`);
        await evil.evaluate(async ([origin, email, password]) => {
          const fields = {email, password};
          for (const mode of ["cors", "no-cors"]) {
            for (const path of ["/sign-in", "/sign-out", "/orders"]) await fetch(origin + path, {method: "POST", body: new URLSearchParams(fields), mode, credentials: "include"}).catch(() => {});
          }
          if (location.hostname == "localhost") await fetch(origin + "/sign-in", {mode: "no-cors", credentials: "include"});
          for (const path of ["/sign-in", "/sign-out", "/orders"]) {
            const frame = Object.assign(document.createElement("iframe"), {name: "f" + path});
            const form = Object.assign(document.createElement("form"), {method: "POST", action: origin + path, target: frame.name});
            for (const [name, value] of Object.entries(fields)) form.append(Object.assign(document.createElement("input"), {name, value}));
            document.body.append(frame, form);
            const loaded = new Promise((done) => frame.onload = done);
            form.submit();
            await Promise.race([loaded, new Promise((done) => setTimeout(done, 1000))]);
          }
        }, [origin, server.nextUser(), password]);
        assert.deepEqual((await state(context)).filter((cookie) => !cookie.startsWith("auth-reloaded")), cookies);
        assert.deepEqual(server.received.slice(received), []);
        // and as a page of its own
        await Promise.all([evil.waitForNavigation(), evil.evaluate((origin) => {
          const form = Object.assign(document.createElement("form"), {method: "POST", action: origin + "/sign-out"});
          document.body.append(form);
          form.submit();
        }, origin)]);
        await evil.close();
        assert.deepEqual((await state(context)).filter((cookie) => !cookie.startsWith("auth-reloaded")), cookies);
      }
      await page.reload();
      await page.waitForSelector("pre");
      await context.close();
    });
  }

  test("the smallest application: sign-in, reload, a call, two tabs, sign-out", async () => {
    const context = await browser.newContext(), page = await context.newPage(), address = `http://localhost:${spa.port}/`;
    await page.goto(address);
    await page.waitForSelector("form:not([hidden])");
    await page.fill("[name=email]", server.nextUser());
    await page.fill("[name=password]", "wrong");
    await page.click("form button");
    await page.getByText("invalid_credentials").waitFor();
    await page.fill("[name=password]", password);
    await page.click("form button");
    await page.getByText('"path":"/orders"').waitFor();
    await page.reload();
    await page.getByText('"path":"/orders"').waitFor();
    const other = await context.newPage();
    await other.goto(address);
    await other.getByText('"path":"/orders"').waitFor();
    await page.getByRole("button", {name: "Sign out"}).click();
    for (const tab of [page, other]) await tab.waitForSelector("form:not([hidden])");
    assert.equal(await page.textContent("pre"), "");
    await context.close();
  });

  test("Express: what a client sends is no fault", async () => {
    const headers = {"Content-Type": "application/x-www-form-urlencoded", Origin: origin};
    for (const [path, body, more, want] of [
      ["/sign-in", "x".repeat(200_000), {}, 413], ["/sign-in", "email=a&email=b", {}, 400], ["/sign-in", "", {}, 400],
      ["/sign-in", "email=%00%ff", {"Content-Type": "application/x-www-form-urlencoded; charset=x"}, 415],
      ["/sign-out", "", {Cookie: "edgeauth-refresh=%; =; edgeauth-access=a.b.c"}, 303],
    ]) {
      const {status} = await fetch(origin + path, {method: "POST", body, headers: {...headers, get: "x", ...more}, redirect: "manual"});
      assert.equal(status, want, `${path} ${body.slice(0, 20)}`);
    }
  });

  test("no fault was logged", () => assert.equal(log, ""));
});
