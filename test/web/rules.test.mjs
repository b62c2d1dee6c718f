// The rules of the client that depend on time: deadlines, late answers, pauses, forced refreshes.
import assert from "node:assert/strict";
import {afterEach, beforeEach, test} from "node:test";
import {World, base, grant, json, later, settle} from "./clock.mjs";

let world;
beforeEach(() => world = new World());
afterEach(() => world.end());

const refresh = "/auth/refresh", logout = "/auth/logout", api = base + "/me";

// signedIn opens a tab whose user signs in as the session s1. Afterwards the API answers 200.
const signedIn = async (options, sid = "s1") => {
  const tab = world.tab(options);
  world.answer = () => grant(sid);
  await tab.login({email: "ada@example.com", password: "x"});
  world.answer = (sent) => sent.path == refresh ? grant(sid) : json(200, {});
  return tab;
};

test("a token is refreshed at nine tenths of its life, by the larger of both clocks", async () => {
  for (const asleep of [false, true]) {
    const tab = await signedIn(), before = world.count(refresh);
    await world.pass(809e3, {asleep});
    await tab.fetch(api);
    assert.equal(world.count(refresh), before);
    await world.pass(2e3, {asleep});
    await tab.fetch(api);
    assert.equal(world.count(refresh), before + 1);
  }
});

test("a wall clock that is set back makes no token younger", async () => {
  const tab = await signedIn();
  world.wall -= 3600e3;
  await world.pass(811e3);
  await tab.fetch(api);
  assert.equal(world.count(refresh), 1);
});

test("requests at the same time share a refresh", async () => {
  const tab = await signedIn();
  await world.pass(850e3);
  await Promise.all(Array.from({length: 10}, () => tab.fetch(api)));
  assert.equal(world.count(refresh), 1);
  assert.equal(world.count("/me"), 10);
});

test("an exchange ends after 30 seconds", async () => {
  const tab = await signedIn();
  await world.pass(901e3);
  world.answer = () => new Promise(() => {});
  const asked = assert.rejects(tab.fetch(api), {name: "AbortError"});
  await world.pass(29e3);
  assert.equal(world.sent.at(-1).isAborted, false);
  await world.pass(1e3);
  assert.equal(world.sent.at(-1).isAborted, true);
  await asked;
});

test("body delivery drops an answer of refresh that arrives late, and refreshes again with the token it has", async () => {
  for (const [within, seconds, isDropped] of [[undefined, 44, false], [undefined, 46, true], [10, 9, false], [10, 11, true]]) {
    world.end();
    world = new World();
    const tab = await signedIn();
    await world.pass(901e3);
    const slow = later(), bodies = [];
    world.answer = (sent) => {
      if (sent.path != refresh) return json(200, {});
      bodies.push(sent.body.refresh_token);
      return bodies.length == 1 ? slow.promise : grant("s1");
    };
    const asked = tab.fetch(api);
    await world.pass(seconds * 1e3, {asleep: true}); // no timer runs while the machine sleeps
    slow.send(grant("s1", {refresh_token: "late", store_within: within}));
    await asked;
    assert.equal(bodies.length, isDropped ? 2 : 1, `${within}, ${seconds} s`);
    assert.notEqual(bodies[1], "late");
  }
});

test("a login that is answered late opens nothing", async () => {
  const tab = world.tab(), slow = later();
  world.answer = () => slow.promise;
  const asked = assert.rejects(tab.login({email: "a", password: "b"}), {error: "late"});
  await world.pass(46e3, {asleep: true});
  slow.send(grant("s1"));
  await asked;
  assert.equal(await tab.session(), null);
});

test("a token that is refused is refreshed once, and the request is sent again", async () => {
  for (const status of [401, 403]) {
    const tab = await signedIn(), first = world.sent.length;
    let isGood = false;
    world.answer = (sent) => {
      if (sent.path == refresh) isGood = true;
      return sent.path == refresh ? grant("s1") : json(isGood ? 200 : status, {});
    };
    assert.equal((await tab.fetch(api, {method: "POST", body: '{"a":1}'})).status, 200);
    const sent = world.sent.slice(first);
    assert.deepEqual(sent.map(({path}) => path), ["/me", refresh, "/me"]);
    assert.deepEqual(sent[2].body, {a: 1});
    assert.notEqual(sent[0].authorization, sent[2].authorization);
  }
});

test("many refusals of one token cause one refresh", async () => {
  const tab = await signedIn();
  let isGood = false;
  world.answer = (sent) => {
    if (sent.path == refresh) isGood = true;
    return sent.path == refresh ? grant("s1") : json(isGood ? 200 : 401, {});
  };
  const answers = await Promise.all(Array.from({length: 10}, () => tab.fetch(api)));
  assert.deepEqual(answers.map(({status}) => status), Array(10).fill(200));
  assert.equal(world.count(refresh), 1);
});

test("a lasting refusal causes no loop of refreshes", async () => {
  const tab = await signedIn();
  world.answer = (sent) => sent.path == refresh ? grant("s1") : json(403, {message: "Forbidden"});
  for (let i = 0; i < 20; i++) assert.equal((await tab.fetch(api)).status, 403);
  assert.equal(world.count(refresh), 1, "the same address, at once");
  for (let i = 0; i < 20; i++) await tab.fetch(base + "/items/" + i);
  assert.equal(world.count(refresh), 1, "other addresses within a minute");
  await world.pass(61e3);
  await tab.fetch(api);
  assert.equal(world.count(refresh), 1, "the same address, later");
  for (let i = 20; i < 40; i++) await tab.fetch(base + "/items/" + i);
  assert.equal(world.count(refresh), 2, "another address, later");
});

test("refusals that have nothing to do with the token cause no refresh", async () => {
  const tab = await signedIn();
  for (const error of ["insufficient_user_authentication", "origin_not_allowed", "invalid_credentials"]) {
    world.answer = () => json(error == "invalid_credentials" ? 401 : 403, {error});
    assert.equal((await tab.fetch(api)).status, error == "invalid_credentials" ? 401 : 403);
  }
  assert.equal(world.count(refresh), 0);
  assert.deepEqual(tab.told, ["signed-in", "reauth"]);
});

test("the access token goes to the listed addresses alone", async () => {
  const tab = await signedIn({apis: ["https://api.example.com/v1", "https://files.example.com"]});
  for (const [address, has] of Object.entries({
    "https://api.example.com/v1": false,
    "https://api.example.com/v1/x?y=1": true,
    "https://files.example.com/": true,
    "https://api.example.com/v1/../x": false,
    "https://api.example.com/v10": false,
    "https://api.example.com/": false,
    "http://api.example.com/v1/x": false,
    "https://api.example.com:8443/v1/x": false,
    "https://api.example.com.evil.example/v1/x": false,
    "https://evil.example/https://api.example.com/v1/x": false,
  })) {
    world.answer = () => json(401, {});
    const before = world.count(refresh);
    if (has) world.answer = () => json(200, {});
    await tab.fetch(address);
    assert.equal(!!world.sent.at(-1).authorization, has, address);
    assert.equal(world.count(refresh), before, address);
  }
});

test("a server that fails keeps the session, and is asked again after Retry-After or a growing pause", async () => {
  const tab = await signedIn();
  await world.pass(901e3);
  world.answer = () => json(503, {error: "temporarily_unavailable", terminal: false}, {"Retry-After": "7"});
  await assert.rejects(tab.fetch(api), {error: "temporarily_unavailable", status: 503});
  await world.pass(6.9e3);
  await assert.rejects(tab.fetch(api), {status: 503});
  assert.equal(world.count(refresh), 1);
  world.answer = () => Promise.reject(new TypeError("network"));
  let before = 0;
  const pauses = [];
  await world.pass(200);
  for (let start = world.now; world.count(refresh) < 9; await world.pass(100)) {
    await assert.rejects(tab.fetch(api));
    if (world.count(refresh) == before) continue;
    before = world.count(refresh);
    pauses.push(world.now - start);
    start = world.now;
  }
  assert.ok(pauses.at(-1) > 20e3 && pauses.at(-1) <= 61e3 && pauses[1] <= 2.1e3, pauses.join());
  world.answer = (sent) => sent.path == refresh ? grant("s1") : json(200, {});
  await world.pass(61e3);
  assert.equal((await tab.fetch(api)).status, 200);
  assert.deepEqual(tab.told, ["signed-in"]);
});

test("a token that is still good is used while the server fails", async () => {
  const tab = await signedIn();
  await world.pass(820e3);
  world.answer = (sent) => sent.path == refresh ? json(503, {}) : json(200, {});
  assert.equal((await tab.fetch(api)).status, 200);
  assert.equal(world.count(refresh), 1);
});

test("body delivery believes that a session has ended", async () => {
  const tab = await signedIn();
  await world.pass(901e3);
  world.answer = (sent) => sent.path == refresh ? json(400, {error: "invalid_grant", terminal: true, sid: "s1"}) : json(401, {});
  assert.equal((await tab.fetch(api)).status, 401);
  assert.equal(world.count(refresh), 1);
  assert.deepEqual(tab.told, ["signed-in", "signed-out"]);
  assert.equal(await tab.session(), null);
});

test("with cookies, the end of a session is believed after a second refresh", async () => {
  for (const isMistaken of [true, false]) {
    world.end();
    world = new World();
    const tab = await signedIn({delivery: "cookie"});
    await world.pass(901e3);
    let asked = 0;
    world.answer = (sent) => {
      if (sent.path != refresh) return json(200, {});
      return isMistaken && asked++ ? grant("s1") : json(400, {error: "invalid_grant", terminal: true, sid: "s1"});
    };
    await tab.fetch(api);
    assert.equal(world.count(refresh), 2);
    assert.deepEqual(tab.told, isMistaken ? ["signed-in"] : ["signed-in", "signed-out"]);
  }
});

test("without a cookie, a visitor costs one request", async () => {
  const tab = world.tab({delivery: "cookie"});
  world.answer = () => json(400, {error: "invalid_grant", terminal: true});
  assert.equal(await tab.session(), null);
  assert.equal(await tab.session(), null);
  assert.equal(world.sent.length, 1);
  assert.deepEqual(tab.told, []);
});

test("every tab stops its refresh before a tab signs in or out", async () => {
  const one = await signedIn({delivery: "cookie"}), two = world.tab({delivery: "cookie"});
  await two.session();
  await world.pass(901e3);
  const slow = later();
  world.answer = (sent) => sent.path == refresh ? new Promise(() => {}) : slow.promise;
  const asked = two.fetch(api);
  await settle();
  const stopped = world.sent.at(-1);
  assert.equal(stopped.path, refresh);
  const leaving = one.logout();
  await settle();
  assert.equal(stopped.isAborted, true);
  const before = world.count(refresh);
  await world.pass(5e3);
  assert.equal(world.count(refresh), before, "no refresh while the other tab signs out");
  world.answer = () => json(401, {});
  slow.send(json(200, {}));
  await leaving;
  assert.equal((await asked).status, 401);
  assert.equal(world.count(refresh), before, "no refresh after the sign-out");
  assert.deepEqual(two.told, ["signed-in", "signed-out"]);
});

test("a tab that stopped another one and went away stops it for 30 seconds only", async () => {
  const one = await signedIn({delivery: "cookie"}), two = world.tab({delivery: "cookie"});
  await world.pass(901e3);
  world.answer = (sent) => sent.path == refresh ? grant("s1") : new Promise(() => {});
  one.logout().catch(() => {});
  await settle();
  const asked = two.session();
  await world.pass(29e3);
  assert.equal(world.count(refresh), 0);
  await world.pass(2e3);
  assert.equal((await asked).sid, "s1");
});

test("the end of an earlier wait does not end a later one", async () => {
  const tab = await signedIn({delivery: "cookie"});
  await world.pass(901e3);
  world.answer = () => json(401, {error: "invalid_credentials"});
  await assert.rejects(tab.login({email: "a", password: "wrong"}));
  await world.pass(29e3);
  const slow = later();
  world.answer = (sent) => sent.path == refresh ? grant("s1") : slow.promise;
  const entering = tab.login({email: "a", password: "b"});
  await world.pass(2e3);
  const asked = tab.session();
  await settle();
  assert.equal(world.count(refresh), 0, "no refresh while the tab signs in");
  world.answer = () => grant("s2");
  slow.send(grant("s2"));
  assert.equal((await entering).sid, "s2");
  assert.equal((await asked).sid, "s2");
});

test("a storage that is full signs no user out, and keeps no token that was replaced", async () => {
  for (const options of [{delivery: "cookie"}, {delivery: "session"}, {persist: true}]) {
    world.end();
    world = new World();
    const tab = await signedIn(options);
    await tab.logout();
    world.isFull = true;
    world.answer = () => grant("s2");
    assert.equal((await tab.login({email: "a", password: "b"})).sid, "s2");
    for (let i = 0; i < 3; i++) {
      await world.pass(901e3);
      assert.equal((await tab.session())?.sid, "s2");
    }
    const bodies = world.sent.filter(({path}) => path == refresh).map(({body}) => body.refresh_token).filter(Boolean);
    assert.equal(new Set(bodies).size, bodies.length, "no refresh token is sent twice");
    assert.equal(world.storage.size, 0, "a reload asks the server");
  }
});

test("a browser that blocks storage and channels gets a client that works until a reload", async () => {
  const refuse = () => { throw new DOMException("denied", "SecurityError"); };
  Object.assign(globalThis, {BroadcastChannel: class { constructor() { refuse(); } }, localStorage: {getItem: refuse, setItem: refuse, removeItem: refuse}});
  for (const options of [{delivery: "cookie"}, {persist: true}]) {
    const tab = await signedIn(options);
    await world.pass(901e3);
    assert.equal((await tab.session()).sid, "s1");
    await tab.logout();
    assert.equal(await tab.session(), null);
    tab.dispose();
  }
});

test("a session is ended at its own address alone", async () => {
  const tab = await signedIn();
  await tab.sessions.end("../../orders/7");
  assert.equal(world.sent.at(-1).path, "/auth/sessions/..%2F..%2Forders%2F7");
});

test("a tab waits until it sees what the other tab has stored", async () => {
  await signedIn({delivery: "cookie"});
  const tab = world.tab({delivery: "cookie"}), channel = [...world.channels].at(-1), [[key, before]] = world.storage;
  await tab.session();
  await world.pass(901e3);
  const count = world.count(refresh);
  channel.onmessage({data: {isHold: true}});
  const asked = tab.session();
  await settle();
  channel.onmessage({data: {sid: undefined}}); // another process of the browser has signed out, and is faster than the storage
  await settle();
  world.storage.set(key, "{}");
  for (const listener of world.listeners) listener({});
  assert.equal(await asked, null);
  assert.equal(world.count(refresh), count);
  assert.deepEqual(tab.told, ["signed-in", "signed-out"]);
  assert.notEqual(before, "{}");
});

test("a refresh that is answered after the sign-out ends the session again", async () => {
  const one = await signedIn({delivery: "cookie"}), two = world.tab({delivery: "cookie"});
  await world.pass(901e3);
  const slow = later();
  world.answer = (sent) => sent.path == refresh ? slow.promise : json(200, {});
  const asked = two.session();
  await settle();
  for (const channel of world.channels) channel.onmessage = null; // a frozen tab gets no messages
  await one.logout();
  slow.send(grant("s1"));
  assert.equal(await asked, null);
  assert.equal(world.count(logout), 2);
});

test("a refresh that is answered with another session than that of the last sign-in ends it", async () => {
  const tab = await signedIn({delivery: "cookie"});
  await world.pass(901e3);
  world.answer = (sent) => sent.path == refresh ? grant("stranger") : json(200, {});
  assert.equal(await tab.session(), null);
  assert.equal(world.count(logout), 1);
  assert.deepEqual(tab.told, ["signed-in", "signed-out"]);
});

test("after a step-up, the session that it replaced is no stranger", async () => {
  const tab = await signedIn({delivery: "cookie"});
  world.answer = () => grant("s2");
  assert.equal((await tab.reauth({password: "x"})).sid, "s2");
  assert.equal(world.sent.at(-1).authorization.startsWith("Bearer access-"), true);
  await world.pass(901e3);
  world.answer = (sent) => sent.path == refresh ? grant("s1") : json(200, {});
  assert.equal((await tab.session()).sid, "s1");
  assert.equal(world.count(logout), 0);
});

test("a sign-in whose answer was lost is found by the next refresh", async () => {
  const tab = await signedIn({delivery: "cookie"});
  world.answer = () => Promise.reject(new TypeError("network"));
  await assert.rejects(tab.login({email: "b", password: "b"}));
  await world.pass(901e3);
  world.answer = () => grant("s2"); // the browser had stored the cookie
  assert.equal((await tab.session()).sid, "s2");
  assert.equal(world.count(logout), 0);
});

test("a sign-in that is refused leaves the session as it was", async () => {
  const tab = await signedIn({delivery: "cookie"});
  world.answer = () => json(401, {error: "invalid_credentials", request_id: "r"});
  await assert.rejects(tab.login({email: "b", password: "b"}), {error: "invalid_credentials", status: 401, request_id: "r"});
  await world.pass(901e3);
  world.answer = (sent) => sent.path == refresh ? grant("stranger") : json(200, {});
  assert.equal(await tab.session(), null);
});

test("a sign-out that fails keeps the session and says so", async () => {
  for (const delivery of ["body", "cookie"]) {
    const tab = await signedIn({delivery});
    world.answer = () => json(503, {error: "temporarily_unavailable"});
    await assert.rejects(tab.logout(), {status: 503});
    assert.equal((await tab.session()).sid, "s1");
    assert.deepEqual(tab.told, ["signed-in"]);
    tab.dispose();
  }
});

test("a sign-in elsewhere is adopted if the page says so", async () => {
  const tab = await signedIn({delivery: "cookie"});
  world.answer = (sent) => sent.path == refresh ? grant("from the server") : json(200, {});
  await tab.logout();
  assert.equal(await tab.session(), null);
  assert.equal((await tab.session({adopt: true})).sid, "from the server");
  assert.equal(world.count(logout), 1);
});

test("with persist, tabs share the refresh token and drop one that another tab has replaced", async () => {
  const one = await signedIn({persist: true}), two = world.tab({persist: true}), sent = [];
  await world.pass(901e3);
  const slow = later();
  world.answer = ({path, body}) => {
    if (path == refresh) sent.push(body.refresh_token);
    return path != refresh ? json(200, {}) : sent.length == 1 ? slow.promise : grant("s1", {refresh_token: "newer-" + sent.length});
  };
  const asked = two.session();
  await settle();
  await one.session();
  slow.send(grant("s1", {refresh_token: "older"}));
  await asked;
  assert.equal(sent[1], sent[0]);
  assert.equal(sent[2], "newer-2", "the dropped answer is followed by a refresh with what the other tab stored");
  assert.equal(JSON.parse([...world.storage.values()][0]).token, "newer-3");
});

test("storage has no token unless it was asked for", async () => {
  for (const delivery of ["body", "cookie"]) await signedIn({delivery});
  assert.doesNotMatch(JSON.stringify([...world.storage]), /access-|refresh-/);
  await signedIn({persist: true});
  const text = JSON.stringify([...world.storage]);
  assert.match(text, /refresh-/);
  assert.doesNotMatch(text, /access-/);
});

test("a client that was disposed of sends nothing more", async () => {
  const tab = await signedIn({delivery: "cookie"});
  await world.pass(901e3);
  world.answer = () => new Promise(() => {});
  const asked = assert.rejects(tab.session());
  await settle();
  tab.dispose();
  await asked;
  assert.equal(world.sent.at(-1).isAborted, true);
  assert.equal(world.channels.size, 0);
});

test("an opaque session is asked about once, and after a refusal", async () => {
  const tab = world.tab({delivery: "session"});
  world.answer = ({path}) => path == "/auth/sessions" ? json(200, {sid: "s1", sessions: [{sid: "s0", current: false}], next: "s0"}) : json(200, {});
  assert.deepEqual(await tab.session(), {sid: "s1"});
  await world.pass(86400e3);
  await tab.fetch(api);
  assert.equal(world.count("/auth/sessions"), 1);
  assert.equal(world.sent[0].method, "GET");
  assert.equal(world.sent.at(-1).credentials, "include");
  assert.equal(world.sent.at(-1).authorization, null);
  world.answer = () => json(403, {message: "Forbidden"}); // from a firewall
  assert.equal((await tab.fetch(api)).status, 403);
  assert.equal(world.count("/auth/sessions"), 2);
  assert.deepEqual(tab.told, ["signed-in"]);
  await world.pass(61e3);
  world.answer = () => json(401, {error: "invalid_token"});
  assert.equal((await tab.fetch(base + "/orders")).status, 401);
  assert.equal(world.count("/auth/sessions"), 3);
  assert.deepEqual(tab.told, ["signed-in", "signed-out"]);
});

test("a refresh that needs a login keeps the session, and the next login goes on", async () => {
  for (const deliver of ["body", "cookie"]) {
    const tab = await signedIn({delivery: deliver});
    await world.pass(901e3);
    world.answer = () => json(401, {error: "insufficient_user_authentication", terminal: false, sid: "s1"});
    await assert.rejects(tab.session(), {error: "insufficient_user_authentication"});
    assert.deepEqual(tab.told, ["signed-in", "reauth"]);
    const before = world.count(refresh);
    await assert.rejects(tab.session(), {error: "insufficient_user_authentication"});
    assert.equal(world.count(refresh), before); // it waits before the next request
    world.answer = () => grant("s2");
    assert.equal((await tab.login({email: "ada@example.com", password: "x"})).sid, "s2");
    assert.equal((await tab.session()).sid, "s2");
  }
});
