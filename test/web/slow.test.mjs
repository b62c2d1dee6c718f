// Tests that take real time: a browser that stands still, and the list of revocations.
import assert from "node:assert/strict";
import {test} from "node:test";
import {later, launch, launchStoppable, profile, reload, session, signIn, skip, sleep, startSite, status, tab, told, until} from "./harness.mjs";

const refresh = "/auth/refresh";
const deliveries = [{delivery: "body", persist: true}, {delivery: "cookie"}, {delivery: "cookies"}];

test("the whole browser stands still for 75 seconds, with a refresh under way", {skip: skip || process.platform != "linux" && "it needs /proc"}, async () => {
  const [site, chromium] = await Promise.all([startSite(), launchStoppable()]), {app} = site;
  try {
    const users = [];
    for (const options of deliveries) {
      const context = await profile(chromium.browser), page = await tab(context, app.origin, options);
      const {sid} = await signIn(page, site.nextUser());
      await reload(page);
      users.push({options, page, sid});
    }
    const slow = later();
    app.on({path: refresh, times: users.length, after: () => slow.promise});
    for (const user of users) user.asked = session(user.page).catch(() => {});
    await until(() => app.sent(refresh).filter((entry) => entry.status).length == users.length, "the refreshes");
    assert.ok(chromium.signal("SIGSTOP") > 3);
    await sleep(10_000);
    slow.done();
    await sleep(65_000);
    chromium.signal("SIGCONT");
    for (const {options, page, sid, asked} of users) {
      const found = await asked;
      if (found) assert.equal(found.sid, sid);
      await until(() => session(page).catch(() => {}), "the session");
      assert.equal((await session(page)).sid, sid, options.delivery);
      assert.equal(await status(page, "/checked"), 200);
      assert.deepEqual(await told(page), ["signed-in"]);
    }
    // In body delivery, the late answer was not stored: the next refresh sent the previous token.
    const asked = app.sent(refresh).map(({body}) => JSON.parse(body).refresh_token).filter(Boolean);
    assert.equal(asked[1], asked[0]);
  } finally {
    await chromium.close();
    await site.stop();
  }
});

test("a session that is ended from a second profile, with the list of revocations", {skip}, async () => {
  const [site, browser] = await Promise.all([startSite("--check", "revocations"), launch()]);
  try {
    for (const options of deliveries) {
      const page = await tab(await profile(browser), site.app.origin, options), email = site.nextUser();
      const {sid} = await signIn(page, email);
      assert.equal(await status(page, "/checked"), 200);
      const other = await tab(await profile(browser), site.app.origin, {delivery: "body"});
      await signIn(other, email);
      await other.evaluate((sid) => auth.sessions.end(sid), sid);
      const ended = Date.now();
      await until(async () => await status(page, "/checked") != 200, "the refusal", 30_000);
      console.log(`${options.delivery}: refused ${Date.now() - ended} ms after the end`);
      assert.deepEqual(await told(page), ["signed-in", "signed-out"]);
    }
  } finally {
    await browser.close();
    await site.stop();
  }
});
