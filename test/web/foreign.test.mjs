// Pages of other sites and of other origins, against a user who is signed in: nothing happens.
import assert from "node:assert/strict";
import {after, before, beforeEach, afterEach, describe, test} from "node:test";
import {launch, password, profile, session, signIn, skip, startSite, status, tab} from "./harness.mjs";

let site, browser, app;
before(async () => {
  if (skip) return;
  [site, browser] = await Promise.all([startSite(), launch()]);
  app = site.app;
});
after(() => Promise.all([site?.stop(), browser?.close()]));

const deliveries = [{delivery: "body", persist: true}, {delivery: "cookie"}, {delivery: "cookies"}];

// attack sends the requests that a page of another origin can send, with and without a preflight.
// It returns the answers that the page could read.
const attack = (page, target, attacker) => page.evaluate(async ([target, attacker, password]) => {
  const read = [];
  const json = {"Content-Type": "application/json"}, plain = {"Content-Type": "text/plain"}, form = {"Content-Type": "application/x-www-form-urlencoded"};
  for (const mode of ["cors", "no-cors"]) {
    for (const [method, path, body] of [
      ["POST", "/auth/refresh", "{}"], ["POST", "/auth/logout", "{}"], ["POST", "/money", "{}"], ["GET", "/things"], ["GET", "/auth/sessions"],
      ["DELETE", "/auth/sessions?all=true"],
      ...["body", "cookie", "cookies"].map((delivery) => ["POST", "/auth/login", JSON.stringify({email: attacker, password, delivery})]),
    ]) {
      for (const headers of body ? [json, plain, form] : [{}]) {
        try {
          const answer = await fetch(target + path, {method, body, headers, mode, credentials: "include"});
          read.push([method, path, answer.status, await answer.text()]);
        } catch {} // the browser refused
      }
    }
  }
  // a form needs no consent of the target, and navigates a frame
  for (const path of ["/auth/logout", "/auth/refresh", "/auth/login", "/money"]) {
    for (const enctype of ["text/plain", "application/x-www-form-urlencoded"]) {
      const frame = Object.assign(document.createElement("iframe"), {name: "f" + Math.random()});
      const form = Object.assign(document.createElement("form"), {method: "POST", action: target + path, enctype, target: frame.name});
      for (const [name, value] of Object.entries({email: attacker, password, delivery: "cookie", '{"a":"': '"}'})) {
        form.append(Object.assign(document.createElement("input"), {name, value}));
      }
      document.body.append(frame, form);
      const loaded = new Promise((done) => frame.onload = done);
      form.submit();
      await Promise.race([loaded, new Promise((done) => setTimeout(done, 1000))]);
    }
  }
  return read;
}, [target, attacker, password]);

for (const options of deliveries) {
  describe(options.delivery, {skip}, () => {
    let context, email, page, sid;
    beforeEach(async () => {
      app.reset();
      context = await profile(browser);
      email = site.nextUser();
      page = await tab(context, app.origin, options);
      ({sid} = await signIn(page, email));
    });
    afterEach(() => context.close());

    for (const name of ["stranger", "neighbour"]) {
      test(`a page of a ${name} changes nothing and reads nothing`, async () => {
        const before = (await context.cookies(app.origin)).map(({name, value}) => name + "=" + value).sort();
        const since = app.log.length, received = site.received.length;
        const evil = await tab(context, site[name].origin);
        const read = await attack(evil, app.origin, site.nextUser());
        for (const [method, path, status, text] of read) {
          assert.equal(`${status} ${text}`, "0 ", `${method} ${path}`); // an opaque answer
        }
        assert.ok(app.log.length > since, "no request arrived");
        assert.deepEqual(site.received.slice(received).filter((line) => !line.startsWith("GET ")), [], "an unsafe request reached the API");
        const after = (await context.cookies(app.origin)).map(({name, value}) => name + "=" + value).sort();
        assert.deepEqual(after, before);
        assert.equal((await session(page)).sid, sid);
        assert.equal(await status(page, "/checked"), 200);
        const list = await page.evaluate(() => auth.sessions.list());
        assert.ok(list.some((entry) => entry.sid == sid && entry.current));
      });
    }

    test("a link from another site shows the user signed in", async () => {
      const other = await tab(context, site.stranger.origin);
      await other.evaluate((address) => {
        document.body.append(Object.assign(document.createElement("a"), {href: address, id: "link", textContent: "link"}));
      }, `${app.origin}/page#${encodeURIComponent(JSON.stringify(options))}`);
      await Promise.all([other.waitForURL(app.origin + "/**"), other.click("#link")]);
      await other.waitForFunction(() => window.isReady);
      assert.equal((await session(other)).sid, sid);
      assert.equal(await status(other, "/checked"), 200);
      if (options.delivery != "cookies") return;
      // and a document behind the authorizer, which the link itself requests
      await other.goto(site.stranger.origin + "/page");
      await other.evaluate((address) => {
        document.body.append(Object.assign(document.createElement("a"), {href: address, id: "link", textContent: "link"}));
      }, app.origin + "/documents/1");
      const [answer] = await Promise.all([other.waitForNavigation(), other.click("#link")]);
      assert.equal(answer.status(), 200);
    });
  });
}

test("a page of another origin that is listed reads refusals too", {skip}, async () => {
  app.reset();
  const context = await profile(browser), page = await tab(context, site.sibling.origin, {base: app.origin});
  assert.deepEqual(await page.evaluate((email) => auth.login({email, password: "wrong"}).catch(({error, status}) => [error, status]), site.nextUser()), ["invalid_credentials", 401]);
  const read = await page.evaluate((origin) => fetch(origin + "/things", {headers: {Authorization: "Bearer x"}}).then(async (answer) => [answer.status, await answer.text()]), app.origin);
  assert.deepEqual(read, [403, '{"message":"Forbidden"}']);
  await signIn(page, site.nextUser());
  assert.equal(await status(page, app.origin + "/checked"), 200);
  const {authorization} = app.sent("/checked").at(-1).headers;
  assert.match(authorization, /^Bearer ey/);
  await status(page, site.stranger.origin + "/things").catch(() => {});
  assert.deepEqual(site.stranger.sent("/things").filter(({headers}) => headers.authorization), []);
  await context.close();
});
