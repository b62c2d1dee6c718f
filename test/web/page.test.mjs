// The page of "edgeauth dev" in Chromium, with a mouse, with a keyboard, and under axe-core.
import assert from "node:assert/strict";
import {readFileSync, readdirSync} from "node:fs";
import {join} from "node:path";
import {after, afterEach, before, beforeEach, test} from "node:test";
import {judge, launch, mailOf, password, root, skip, startAlone, startServer, until} from "./harness.mjs";

const largest = 48_000; // bytes of all files of the page
// docs/local.md has this start of the server: every delivery can call /me.
const allDeliveries = ["--checked", "GET /me", "--config", JSON.stringify({token_sources: ["header:Authorization", "cookie:__Host-Http-access", "cookie:__Host-Http-session"]})];

let server, browser, context, complaints;
before(async () => {
  if (!skip) [server, browser] = await Promise.all([startAlone(...allDeliveries), launch()]);
});
after(() => Promise.all([server?.stop(), browser?.close()]));

// start opens a profile. An error in the console of its pages fails the test, except for refusals.
const start = async (options) => {
  const profile = await browser.newContext(options);
  profile.on("console", (message) => {
    if (message.type() == "error" && !/Failed to load resource/.test(message.text())) complaints.push(message.text());
  });
  profile.on("weberror", (error) => complaints.push(String(error.error())));
  return profile;
};

beforeEach(async () => {
  complaints = [];
  if (!skip) context = await start();
});
afterEach(async () => {
  await context?.close();
  assert.deepEqual(complaints, []);
});

const state = (page, text) => page.waitForFunction((text) => document.querySelector("#state").textContent == text, text, {timeout: 15_000});
const holds = (page, selector, pattern) => until(async () => pattern.test(await page.textContent(selector)), `${pattern} in ${selector}`);

const open = async (at = server.url + "/", profile = context) => {
  const page = await profile.newPage();
  await page.goto(at);
  await state(page, "Signed out");
  return page;
};

const signIn = async (page, email, delivery = "body", secret = password) => {
  await page.fill("#email", email);
  await page.fill("#password", secret);
  await page.check(`input[value=${delivery}]`);
  await page.click("#login .main");
};

const signedIn = async (email, delivery, profile) => {
  const page = await open(undefined, profile);
  await signIn(page, email, delivery);
  await state(page, "Signed in");
  await holds(page, "#sessions-told", /session/);
  return page;
};

const newest = (page, path) => page.textContent(`#log li:has-text("${path}") >> nth=0`);

test("the page is small, and has nothing inline", () => {
  const folder = join(root, "web/page");
  const total = readdirSync(folder).reduce((sum, name) => sum + readFileSync(join(folder, name)).length, 0);
  assert.ok(total <= largest, `${total} bytes, at most ${largest}`);
  const html = readFileSync(join(folder, "index.html"), "utf8");
  assert.doesNotMatch(html, /<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)|javascript:/i);
});

for (const delivery of ["body", "cookie", "cookies", "session"]) {
  test(`${delivery}: sign in, call, refresh, reload, sign out`, {skip}, async () => {
    const page = await signedIn(server.nextUser(), delivery);
    assert.equal(await page.isVisible("#life"), delivery != "session");
    if (delivery != "session") assert.match(await page.textContent("#left"), /^1[45]:\d\d$/);
    assert.equal(await page.isVisible("#claims-box"), delivery == "body" || delivery == "cookie");
    await page.click("#call .main");
    await holds(page, "#called", /200[^]*"sub"/);
    await page.click("#refresh");
    await holds(page, "#lesson", {body: /Refresh token .* became/, session: /nothing to refresh/}[delivery] || /new cookie with the refresh token/);
    if (delivery != "session") assert.match(await newest(page, "/auth/refresh"), /200 rotated/);
    const text = await page.textContent("body");
    assert.doesNotMatch(text, /ey[\w-]+\.[\w-]+\.[\w-]+|ert_[\w-]{30}/, "the page shows a whole token");
    assert.ok(!text.includes(password));
    await page.reload();
    await state(page, "Signed in");
    await page.click("#logout");
    await state(page, "Signed out");
    await page.reload();
    await state(page, "Signed out");
  });
}

test("a refused sign-in shows the code", {skip}, async () => {
  const page = await open();
  // The deliveries with cookies show advice for refusals of the API; it must not appear here.
  for (const delivery of ["body", "cookies", "session"]) {
    await signIn(page, server.nextUser(), delivery, "wrong");
    await holds(page, "#problem", /^401 · invalid_credentials$/);
  }
  assert.equal(await page.textContent("#state"), "Signed out");
});

test("sessions are listed and ended", {skip}, async () => {
  const email = server.nextUser(), page = await signedIn(email, "body"), second = await start();
  const other = await signedIn(email, "cookie", second);
  await page.click("#list");
  await holds(page, "#sessions-told", /2 sessions/);
  await page.click("#sessions button:has-text('End')");
  await holds(page, "#sessions-told", /has ended/);
  await other.click("#refresh");
  await state(other, "Signed out");
  assert.match(await newest(other, "/auth/refresh"), /400 invalid_grant[^]*Terminal/);
  await holds(other, "#problem", /400 · invalid_grant: the session has ended/);
  await second.close();
  await page.click("#sessions button:has-text('Sign out')");
  await state(page, "Signed out");
});

test("ending the others asks for a step-up", {skip}, async () => {
  const email = server.nextUser(), page = await signedIn(email, "cookie"), second = await start();
  await signedIn(email, "body", second);
  await second.close();
  await page.route("**/auth/sessions", (route) => route.fulfill({status: 401, json: {error: "insufficient_user_authentication", max_age: 600}}), {times: 1});
  await page.click("#others");
  await holds(page, "#reauth-told", /600 seconds/);
  assert.equal(await page.evaluate(() => document.activeElement.id), "again");
  await page.keyboard.type("wrong");
  await page.keyboard.press("Enter");
  await holds(page, "#problem", /403 · invalid_credentials/);
  await page.fill("#again", password);
  await page.keyboard.press("Enter");
  await holds(page, "#reauth-told", /fresh/);
  await page.click("#others");
  await holds(page, "#sessions-told", /^One session$/);
});

test("the password is changed", {skip}, async () => {
  const email = server.nextUser(), page = await signedIn(email, "cookies");
  await page.fill("#current", password);
  await page.fill("#new", "short");
  await page.click("#change button");
  await holds(page, "#problem", /400 · password_not_allowed · /);
  await page.fill("#new", password + " 2");
  await page.click("#change button");
  await holds(page, "#change-told", /changed/);
  await page.click("#logout");
  await state(page, "Signed out");
  await signIn(page, email, "cookies", password + " 2");
  await state(page, "Signed in");
});

test("a second tab has the session, and sees the sign-out", {skip}, async () => {
  const page = await signedIn(server.nextUser(), "cookie");
  const [second] = await Promise.all([context.waitForEvent("page"), page.click("#tab")]);
  await state(second, "Signed in");
  await second.click("#logout");
  await Promise.all([state(second, "Signed out"), state(page, "Signed out")]);
});

test("an answer is dropped, and no session ends", {skip}, async () => {
  const page = await signedIn(server.nextUser(), "body");
  await page.check("#drop");
  await page.click("#refresh");
  await holds(page, "#lesson", /with a new refresh token, and the client knows nothing of it/);
  assert.match(await newest(page, "/auth/refresh"), /200 dropped/);
  assert.equal(await page.isChecked("#drop"), false);
  await page.click("#refresh");
  await holds(page, "#lesson", /same refresh token a second time/);
  await state(page, "Signed in");
  assert.equal(await page.isVisible("#problem"), false);
});

const inbox = () => server.url + "/dev/inbox";

const begin = async (page, button, email, delivery) => {
  await page.fill("#email", email);
  await page.check(`input[value=${delivery}]`);
  await page.click(button);
  await page.waitForSelector("#code-box:not([hidden])");
  return page.textContent("#code-why b");
};

for (const delivery of ["body", "cookies"]) {
  test(`${delivery}: sign up, sign out, forgotten password, login by a code`, {skip}, async () => {
    const page = await open(), email = delivery + ".new@example.com";
    for (const [button, secret] of [["#signup", password], ["#reset", password + " 2"], ["#by-code"]]) {
      const reference = await begin(page, button, email, delivery);
      const {code} = await mailOf(inbox(), reference);
      if (button == "#reset") { // a wrong code costs a try
        await page.fill("#digits", code.replace(/./g, (digit) => 9 - digit));
        await page.fill("#chosen", secret);
        await page.click("#code .main");
        await holds(page, "#problem", /400 · invalid_code · .*tries left: 2/);
      }
      await page.fill("#digits", code);
      assert.equal(await page.isVisible("#chosen"), !!secret);
      if (secret) await page.fill("#chosen", secret);
      await page.keyboard.press("Enter");
      await state(page, "Signed in");
      await until(() => page.evaluate(() => document.activeElement.id == "life-title"), "the focus on the session");
      const log = await page.textContent("#log");
      assert.ok(!/eas_[\w-]{30}/.test(log) && !log.includes(password), "the log shows a secret");
      await page.click("#logout");
      await state(page, "Signed out");
    }
    await signIn(page, email, delivery, password + " 2");
    await state(page, "Signed in");
  });
}

test("the link of a mail opens a tab with the code, and the address has none", {skip}, async () => {
  const page = await open(), reference = await begin(page, "#signup", "link@example.com", "cookie");
  await page.reload(); // as a phone that has discarded the tab
  await page.waitForSelector("#code-box:not([hidden])");
  await page.click(`#inbox summary:has-text("reference ${reference}")`);
  const [tab] = await Promise.all([context.waitForEvent("page"), page.click(`#inbox li:has-text("reference ${reference}") a`)]);
  await tab.waitForFunction(() => document.activeElement.id == "chosen");
  assert.equal(tab.url(), server.url + "/");
  assert.match(await tab.inputValue("#digits"), /^\d{8}$/);
  await tab.keyboard.type(password);
  await tab.keyboard.press("Enter");
  await Promise.all([state(tab, "Signed in"), state(page, "Signed in")]);
});

test("without a mail, the page says why none may have come", {skip}, async () => {
  const page = await open(), reference = await begin(page, "#reset", "nobody@example.com", "body");
  await holds(page, "#inbox-told", new RegExp(`No mail with the reference ${reference}`));
  await page.click("#cancel");
  assert.equal(await page.evaluate(() => document.activeElement.id), "welcome-title");
});

test("the four deliveries are measured", {skip}, async () => {
  const page = await open();
  await page.fill("#email", server.nextUser());
  await page.fill("#password", password);
  await page.click("#measure");
  await until(async () => /^(Measured|Not)/.test(await page.textContent("#measure-told")), "the measurement", 30_000);
  const rows = await page.$$eval("#table tr", (rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent)));
  for (const [delivery, ...cells] of rows) {
    assert.equal(cells.filter((cell) => /^[\d,]+ B/.test(cell)).length, delivery == "session" ? 2 : 4, `${delivery}: ${cells}`);
  }
  assert.deepEqual(rows[0][1], rows[0][4], "a login and a refresh answer with the same members, but for the known-device token");
  assert.deepEqual(rows.map(([delivery]) => delivery), ["body", "cookie", "cookies", "session"]);
  assert.equal(await page.textContent("#state"), "Signed out");
});

test("beside an API, the page is below /edgeauth/; with strict rotation, a lost answer ends the session", {skip}, async () => {
  const beside = await startServer("--profile", "strict");
  try {
    const page = await open(beside.url + "/edgeauth/");
    await signIn(page, beside.nextUser());
    await state(page, "Signed in");
    await page.fill("#path", "/orders");
    await page.click("#call .main");
    await holds(page, "#called", /200[^]*"\/orders"/);
    await page.check("#drop");
    await page.click("#refresh");
    await holds(page, "#lesson", /knows nothing/);
    await page.click("#refresh");
    await state(page, "Signed out");
    await holds(page, "#problem", /the session has ended/);
  } finally {
    await beside.stop();
  }
});

test("a keyboard is enough", {skip}, async () => {
  const page = await open(), press = (key) => page.keyboard.press(key);
  await press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
  await press("Enter");
  await page.focus("#password");
  await page.fill("#email", server.nextUser());
  await page.focus("#password");
  await page.keyboard.type(password);
  await press("Tab");
  await press("ArrowDown"); // the next delivery
  assert.equal(await page.evaluate(() => document.activeElement.value), "cookie");
  await press("Enter");
  await state(page, "Signed in");
  await until(() => page.evaluate(() => document.activeElement.id == "life-title"), "the focus on the session");
});

for (const colorScheme of ["light", "dark"]) {
  test(`axe-core finds nothing in ${colorScheme} colours`, {skip}, async () => {
    const phone = await start({colorScheme, viewport: {width: 375, height: 740}, reducedMotion: "reduce"});
    const page = await open(undefined, phone), email = server.nextUser();
    await judge(page, "signed out");
    await signIn(page, email, "body", "wrong");
    await holds(page, "#problem", /401/);
    await judge(page, "a refusal");
    const reference = await begin(page, "#signup", colorScheme + "@example.com", "body");
    await page.click(`#inbox summary:has-text("reference ${reference}")`);
    await judge(page, "a code");
    await page.click("#cancel");
    await signIn(page, email);
    await state(page, "Signed in");
    await page.click("#call .main");
    await holds(page, "#called", /200/);
    await page.check("#drop");
    await page.click("#refresh");
    await holds(page, "#lesson", /knows nothing/);
    for (const summary of await page.$$("summary")) await summary.click();
    await judge(page, "signed in");
    await page.setViewportSize({width: 1280, height: 900});
    await judge(page, "signed in, on a desktop");
    await phone.close();
  });
}
