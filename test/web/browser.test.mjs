// The client in Chromium, against the real server. Every delivery goes through the same cases.
import assert from "node:assert/strict";
import {after, afterEach, before, beforeEach, describe, test} from "node:test";
import {heard, later, launch, password, profile, reload, session, shorten, signIn, signOut, skip, sleep, startSite, status, tab, told, until} from "./harness.mjs";

const refresh = "/auth/refresh", login = "/auth/login";
const tokens = /ey[\w-]+\.[\w-]+\.[\w-]+|edr_|ess_|edt_/;

let site, browser, app;
before(async () => {
  if (skip) return;
  [site, browser] = await Promise.all([startSite(), launch()]);
  app = site.app;
});
after(() => Promise.all([site?.stop(), browser?.close()]));

// Playwright waits for an event that a page from the cache does not have.
const goBack = async (page) => {
  await page.evaluate(() => void setTimeout(() => history.back()));
  await until(() => page.evaluate(() => !location.search && window.isReady).catch(() => {}), "the page before");
};

for (const options of [{delivery: "body", persist: true}, {delivery: "cookie"}, {delivery: "cookies"}]) {
  const {delivery} = options, isBody = delivery == "body";

  describe(delivery, {skip}, () => {
    let context, email;
    beforeEach(async () => {
      app.reset();
      context = await profile(browser);
      email = site.nextUser();
    });
    afterEach(() => context.close());
    const open = () => tab(context, app.origin, options);

    test("sign-in, reload, sign-out", async () => {
      const page = await open();
      assert.equal(await session(page), null);
      const {sid, ...rest} = await signIn(page, email);
      assert.ok(sid);
      assert.equal(rest.delivery, delivery);
      assert.equal(rest.access_token || rest.refresh_token, undefined);
      assert.equal(await status(page, "/things"), 200);
      await reload(page);
      assert.equal((await session(page)).sid, sid);
      assert.equal(await status(page, "/things"), 200);
      await signOut(page);
      assert.ok([401, 403].includes(await status(page, "/things")));
      assert.deepEqual(await told(page), ["signed-in", "signed-out"]);
      await reload(page);
      assert.equal(await session(page), null);
    });

    if (!isBody) {
      test("scripts find no token, and cannot plant a cookie of ours", async () => {
        const page = await open();
        await signIn(page, email);
        await status(page, "/things");
        const found = await page.evaluate(() => [document.cookie, JSON.stringify({...localStorage}), JSON.stringify({...sessionStorage}), JSON.stringify(told)].join());
        assert.doesNotMatch(found, tokens);
        assert.doesNotMatch(found, /__Host|edgeauth-/);
        const cookies = await context.cookies();
        const names = ["__Host-Http-device", "__Host-Http-refresh", ...(delivery == "cookies" ? ["__Host-Http-access"] : [])];
        assert.deepEqual(cookies.map(({name}) => name).sort(), names.sort());
        for (const {name, httpOnly, secure, sameSite, path} of cookies) {
          assert.deepEqual([httpOnly, secure, sameSite, path], [true, true, name == "__Host-Http-access" ? "Lax" : "Strict", "/"], name);
        }
        await page.evaluate((names) => {
          for (const name of names) document.cookie = `${name}=planted; Secure; Path=/`;
        }, names);
        assert.deepEqual((await context.cookies()).filter(({value}) => value == "planted"), []);
      });

      test("remember false ends with the browser", async () => {
        const page = await open();
        await signIn(page, email, {remember: false});
        const cookies = (await context.cookies()).filter(({name}) => name != "__Host-Http-device");
        assert.deepEqual(cookies.map(({expires}) => expires), cookies.map(() => -1));
      });
    }

    test("ten tabs restored at once", async () => {
      const {sid} = await signIn(await open(), email);
      const pages = await Promise.all(Array.from({length: 10}, open)), sids = Array(10).fill(sid);
      assert.deepEqual((await Promise.all(pages.map(session))).map((session) => session?.sid), sids);
      assert.deepEqual(await Promise.all(pages.map((page) => status(page, "/checked"))), Array(10).fill(200));
      await Promise.all(pages.map(reload));
      assert.deepEqual((await Promise.all(pages.map(session))).map((session) => session?.sid), sids);
    });

    test("two tabs in lock-step", async () => {
      app.on({path: login, after: shorten(0.2)});
      app.on({path: refresh, after: shorten(0.2)});
      const one = await open();
      await signIn(one, email);
      const two = await open(), since = app.log.length;
      for (let i = 0; i < 15; i++) {
        await sleep(200);
        assert.deepEqual(await Promise.all([status(one, "/checked"), status(two, "/checked")]), [200, 200]);
      }
      assert.ok(app.sent(refresh, since).length >= 20, `${app.sent(refresh, since).length} refreshes`);
    });

    test("a sign-out in one tab is seen in the other", async () => {
      const one = await open(), two = await open();
      await signIn(one, email);
      await heard(two, "signed-in");
      assert.equal(await status(two, "/things"), 200);
      await signOut(one);
      await heard(two, "signed-out");
      assert.ok([401, 403].includes(await status(two, "/things")));
      assert.equal(await session(two), null);
    });

    test("another user signs in, in another tab", async () => {
      const one = await open(), two = await open();
      await signIn(one, email);
      await heard(two, "signed-in");
      const {sid} = await signIn(two, site.nextUser());
      await until(async () => (await session(one))?.sid == sid, "the other session");
      assert.equal(await one.evaluate(() => auth.fetch("/things").then((answer) => answer.json()).then(({sid}) => sid)), sid);
    });

    test("a refresh that lands after the sign-out", async () => {
      const one = await open(), two = await open();
      await signIn(one, email);
      const slow = later(), since = app.log.length;
      app.on({path: refresh, times: 1, after: () => slow.promise});
      await reload(two);
      const asked = session(two);
      await until(() => app.sent(refresh, since)[0]?.status, "the refresh");
      await signOut(one);
      slow.done();
      assert.equal(await asked, null);
      for (const page of [one, two, await open()]) {
        assert.equal(await session(page), null);
        assert.ok([401, 403].includes(await status(page, "/checked")));
      }
    });

    test("an answer dropped", async () => {
      const page = await open(), {sid} = await signIn(page, email);
      for (let i = 0; i < 3; i++) {
        await reload(page);
        app.on({path: refresh, times: 1, after: () => "drop"});
        await session(page).catch(() => {}); // Chromium may repeat a request itself if the connection breaks
        await until(() => session(page).catch(() => {}), "the next refresh");
        assert.equal((await session(page)).sid, sid);
      }
      assert.equal(await status(page, "/checked"), 200);
    });

    test("the answer of a sign-in is lost", async () => {
      const page = await open();
      app.on({path: login, times: 1, after: (entry, answer) => void (answer.body = answer.body.slice(0, -5))}); // cookies arrive, and half of a body
      await assert.rejects(signIn(page, email));
      if (isBody) return assert.equal(await session(page), null);
      assert.ok((await session(page)).sid);
      assert.equal(await status(page, "/checked"), 200);
    });

    test("offline and back", async () => {
      const page = await open(), {sid} = await signIn(page, email);
      await reload(page);
      await context.setOffline(true);
      await assert.rejects(session(page));
      await assert.rejects(status(page, "/things"));
      await context.setOffline(false);
      await until(() => session(page).catch(() => {}), "the session"); // the event "online" ends the pause
      assert.equal((await session(page)).sid, sid);
      assert.deepEqual(await told(page), ["signed-in"]);
    });

    test("a server that fails for a while", async () => {
      const page = await open(), {sid} = await signIn(page, email);
      const json = {"content-type": "application/json"};
      app.on({path: refresh, times: 2, before: () => ({status: 503, headers: {...json, "retry-after": "1"}, body: '{"error":"temporarily_unavailable","terminal":false}'})});
      app.on({path: refresh, times: 1, before: () => ({status: 429, headers: json, body: '{"message":"Too Many Requests"}'})});
      app.on({path: refresh, times: 1, before: () => ({status: 502, headers: {"content-type": "text/html"}, body: "<h1>Bad Gateway</h1>"})});
      await reload(page);
      await assert.rejects(session(page), /temporarily_unavailable/);
      await until(() => session(page).catch(() => {}), "the session", 20_000);
      assert.equal((await session(page)).sid, sid);
      assert.deepEqual(await told(page), ["signed-in"]);
    });

    for (const seconds of [90, -90]) {
      test(`a clock ${seconds} s off`, async () => {
        await context.addInitScript((seconds) => {
          const now = Date.now;
          Date.now = () => now() + seconds * 1000;
        }, seconds);
        const page = await open(), {sid} = await signIn(page, email), since = app.log.length;
        assert.equal(await status(page, "/checked"), 200);
        assert.equal(await status(page, "/checked"), 200);
        assert.equal(app.sent(refresh, since).length, 0);
        await reload(page);
        assert.equal((await session(page)).sid, sid);
      });
    }

    test("a clock that jumps while the page is open", async () => {
      const page = await open(), {sid} = await signIn(page, email);
      for (const hours of [5, -5, 100]) {
        await page.evaluate((hours) => {
          const now = Date.now;
          Date.now = () => now() + hours * 3600e3;
        }, hours);
        assert.equal(await status(page, "/checked"), 200);
      }
      assert.equal((await session(page)).sid, sid);
    });

    test("a frozen tab and a throttled one", async () => {
      const one = await open();
      await signIn(one, email);
      const two = await open(), three = await open();
      await Promise.all([session(two), session(three)]);
      const slow = later(), since = app.log.length;
      app.on({path: refresh, times: 1, after: () => slow.promise});
      const developer = await context.newCDPSession(two);
      await reload(two);
      const asked = session(two).catch((e) => e);
      await until(() => app.sent(refresh, since)[0]?.status, "the refresh");
      await developer.send("Page.setWebLifecycleState", {state: "frozen"});
      await (await context.newCDPSession(three)).send("Emulation.setCPUThrottlingRate", {rate: 20});
      await signOut(one);
      const {sid} = await signIn(one, email);
      slow.done(); // the answer of the previous session arrives in a tab that gets no messages
      await sleep(500);
      await developer.send("Page.setWebLifecycleState", {state: "active"});
      await asked;
      await until(async () => (await session(three))?.sid == sid, "the new session");
      for (const page of [one, two]) {
        const found = await session(page);
        // A browser stores the cookie of the late answer. The session of this cookie has ended, and
        // no tab mistakes it for the new session.
        assert.ok(found?.sid == sid || !isBody && !found, found?.sid);
      }
    });

    test("back from the cache of whole pages", async () => {
      const page = await open(), {sid} = await signIn(page, email);
      await page.evaluate(() => addEventListener("pageshow", ({persisted}) => window.isRestored = persisted));
      await page.goto(app.origin + "/page?elsewhere");
      await goBack(page);
      assert.equal(await page.evaluate(() => window.isRestored), true);
      assert.equal((await session(page)).sid, sid);
      assert.equal(await status(page, "/checked"), 200);
      // and if the user signs out in the meantime
      await page.goto(app.origin + "/page?elsewhere");
      await signOut(await open().then(async (other) => (await session(other), other)));
      await goBack(page);
      assert.equal(await session(page), null);
      assert.ok([401, 403].includes(await status(page, "/things")));
    });

    test("two clients in one page, as a double mount makes them", async () => {
      const page = await open(), {sid} = await signIn(page, email);
      await reload(page);
      const since = app.log.length;
      const sids = await page.evaluate(async (options) => {
        auth.session().catch(() => {});
        auth.dispose();
        const one = createAuth(options), two = createAuth(options);
        const sessions = await Promise.all([one.session(), one.session(), two.session()]);
        await one.fetch("/checked");
        return sessions.map(({sid}) => sid);
      }, options);
      assert.deepEqual(sids, [sid, sid, sid]);
      assert.ok(app.sent(refresh, since).length <= 5);
    });

    test("a session that is ended from a second profile", async () => {
      const page = await open(), {sid} = await signIn(page, email);
      const second = await profile(browser), other = await tab(second, app.origin, {delivery: "body"});
      await signIn(other, email);
      assert.equal(await status(page, "/checked"), 200);
      const list = await other.evaluate(() => auth.sessions.list());
      assert.deepEqual(list.map((entry) => entry.sid).includes(sid), true);
      await other.evaluate((sid) => auth.sessions.end(sid), sid);
      assert.equal(await page.evaluate(() => auth.fetch("/things").then((answer) => answer.status)), 200, "a route that looks at the signature alone");
      assert.ok([401, 403].includes(await status(page, "/checked")), "a checked route refuses at once");
      assert.deepEqual(await told(page), ["signed-in", "signed-out"]);
      assert.ok([401, 403].includes(await status(page, "/things")) || delivery == "cookies");
      await second.close();
    });

    test("ending the others, step-up, a new password", async () => {
      const page = await open();
      await signIn(page, email);
      const second = await profile(browser), other = await tab(second, app.origin, options);
      await signIn(other, email);
      await page.evaluate(() => auth.sessions.others());
      assert.equal(await page.evaluate(() => auth.sessions.list().then((list) => list.length)), 1);
      assert.ok([401, 403].includes(await status(other, "/checked")));
      assert.deepEqual(await told(other), ["signed-in", "signed-out"]);
      await second.close();

      app.on({path: "/auth/sessions", method: "DELETE", times: 1, before: () => ({status: 401, headers: {"content-type": "application/json"}, body: '{"error":"insufficient_user_authentication","max_age":600}'})});
      const since = app.log.length;
      assert.deepEqual(await page.evaluate(() => auth.sessions.others().catch(({error, max_age}) => [error, max_age])), ["insufficient_user_authentication", 600]);
      assert.equal(app.sent(refresh, since).length, 0);
      assert.equal((await told(page)).at(-1), "reauth");
      const before = (await session(page)).sid;
      assert.deepEqual(await page.evaluate(() => auth.reauth({password: "wrong"}).catch(({error, status}) => [error, status])), ["invalid_credentials", 403]);
      const {sid} = await page.evaluate((password) => auth.reauth({password}), "correct horse battery");
      assert.notEqual(sid, before);
      assert.equal(await status(page, "/checked"), 200);
      await reload(page);
      assert.equal((await session(page)).sid, sid);

      const changed = await page.evaluate(() => auth.password({current_password: "correct horse battery", new_password: "correct horse battery 2"}));
      assert.notEqual(changed.sid, sid);
      assert.equal(await status(page, "/checked"), 200);
      await reload(page);
      assert.equal((await session(page)).sid, changed.sid);
      assert.deepEqual(await page.evaluate((email) => auth.login({email, password: "correct horse battery"}).catch(({error}) => error), email), "invalid_credentials");
      assert.equal((await session(page)).sid, changed.sid, "a refused sign-in changes nothing");
      await page.evaluate(({sid}) => auth.sessions.end(sid), changed);
      assert.equal(await session(page), null);
    });
  });
}

describe("session", {skip}, () => {
  let context, email;
  beforeEach(async () => {
    app.reset();
    context = await profile(browser);
    email = site.nextUser();
  });
  afterEach(() => context.close());
  const open = () => tab(context, app.origin, {delivery: "session"});

  test("sign-in, ten tabs, sign-out", async () => {
    const page = await open(), since = app.log.length;
    assert.equal(await session(page), null);
    const {sid} = await signIn(page, email);
    const pages = await Promise.all(Array.from({length: 10}, open));
    assert.deepEqual((await Promise.all(pages.map(session))).map((session) => session?.sid), Array(10).fill(sid));
    assert.deepEqual(await Promise.all(pages.map((page) => status(page, "/checked"))), Array(10).fill(200));
    assert.equal(app.sent(refresh, since).length, 0);
    const found = await page.evaluate(() => [document.cookie, JSON.stringify({...localStorage}), JSON.stringify({...sessionStorage})].join());
    assert.doesNotMatch(found, tokens);
    await signOut(page);
    await heard(pages[9], "signed-out");
    assert.equal(await status(pages[5], "/checked"), 403);
    await reload(page);
    assert.equal(await session(page), null);
  });

  test("a session that is ended from a second profile, and a lost answer of a step-up", async () => {
    const page = await open(), {sid} = await signIn(page, email);
    app.on({path: "/auth/reauth", times: 1, after: (entry, answer) => void Object.assign(answer, {status: 502, headers: {}, body: ""})});
    await assert.rejects(page.evaluate((password) => auth.reauth({password}), password));
    assert.equal(await status(page, "/checked"), 200);
    await reload(page);
    assert.equal((await session(page)).sid, sid);
    assert.deepEqual(await page.evaluate(() => auth.sessions.list().then((list) => list.filter(({current}) => current).map(({sid}) => sid))), [sid]);
    const stepped = await page.evaluate((password) => auth.reauth({password}), password);
    assert.notEqual(stepped.sid, sid);
    assert.equal(await status(page, "/checked"), 200);
    const second = await profile(browser), other = await tab(second, app.origin, {delivery: "body"});
    await signIn(other, email);
    await other.evaluate((sid) => auth.sessions.end(sid), stepped.sid);
    assert.equal(await status(page, "/checked"), 403);
    assert.equal((await told(page)).at(-1), "signed-out");
    await second.close();
  });
});

test("body delivery without persist keeps tokens in memory alone", {skip}, async () => {
  app.reset();
  const context = await profile(browser), page = await tab(context, app.origin, {delivery: "body"});
  await signIn(page, site.nextUser());
  assert.equal(await status(page, "/checked"), 200);
  assert.equal(await page.evaluate(() => localStorage.length + sessionStorage.length + document.cookie.length), 0);
  assert.deepEqual(await context.cookies(), []);
  await reload(page);
  assert.equal(await session(page), null);
  await context.close();
});
