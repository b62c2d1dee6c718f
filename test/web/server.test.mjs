// web/server.js in front of the local server.
import assert from "node:assert/strict";
import http from "node:http";
import {after, before, test} from "node:test";
import {createServerAuth as create} from "../../web/server.js";
import {listen, password, startServer} from "./harness.mjs";

const createServerAuth = (options) => {
  const of = create(options);
  return (headers, method) => of(new Headers(headers), method);
};
const visit = {"sec-fetch-site": "none", "sec-fetch-dest": "document"};
const origin = "http://localhost:3000";
let server, authOf;

before(async () => {
  server = await startServer("--config", JSON.stringify({origins: [origin], token_sources: ["header:Authorization", "cookie:__Host-Http-access"], clients: {strict: {profile: "strict"}}}));
  authOf = createServerAuth({base: server.url + "/", origin});
});

after(() => server?.stop());

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
const signIn = async (delivery = "cookies", client_id = "default") => {
  const auth = authOf({"sec-fetch-site": "same-origin", origin}, "POST");
  const answer = await auth.fetch("/auth/login", {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify({email: server.nextUser(), password, delivery, client_id})});
  assert.equal(answer.status, 200);
  return merge("", auth.cookies);
};

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

test("a refresh in a component: its cookies are lost, so each page refreshes again, and strict rotation ends the session", async () => {
  for (const [clientId, want] of [["default", true], ["strict", false]]) {
    const cookie = without(await signIn("cookies", clientId), "access");
    const page = () => createServerAuth({base: server.url, origin, clientId})({cookie, ...visit}, "GET");
    assert.equal(await page().refresh(), true, clientId); // in the component of the first page
    for (let i = 0; i < 2; i++) assert.equal(await page().refresh(), want, clientId);
  }
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
