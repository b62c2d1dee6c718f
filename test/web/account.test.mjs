// Accounts with codes by mail, in Chromium: examples/pages, mail scanners, and pages of strangers.
import assert from "node:assert/strict";
import {readFileSync, readdirSync} from "node:fs";
import http from "node:http";
import {extname, join} from "node:path";
import {after, afterEach, before, beforeEach, test} from "node:test";
import {judge, launch, listen, mailOf as find, password, root, skip, startAlone, until} from "./harness.mjs";

const folder = join(root, "examples/pages");
const types = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"};
// The policy that the CDN of examples/cdn adds to the pages, and no form that the browser itself sends.
const policy = /^ +ContentSecurityPolicy: (\S.+)$/m.exec(readFileSync(join(root, "examples/cdn/cdn.yaml"), "utf8"))[1].replace("form-action 'self'", "form-action 'none'");

let server, browser, files, strangers, context, complaints;
before(async () => {
  if (skip) return;
  files = await listen(http.createServer((request, response) => {
    const name = request.url == "/" ? "index.html" : request.url.slice(1);
    if (!readdirSync(folder).includes(name)) return response.writeHead(request.url == "/orders" ? 200 : 404).end("orders of " + request.headers["x-edgeauth-sub"]);
    response.writeHead(200, {"Content-Type": types[extname(name)], "Content-Security-Policy": policy}).end(readFileSync(join(folder, name)));
  }));
  strangers = await listen(http.createServer((_, response) => response.writeHead(200, {"Content-Type": "text/html"}).end("<!doctype html><title>x</title>")));
  const upstream = ["--upstream", `http://127.0.0.1:${files.port}`, "--public", "GET /", "--checked", "GET /orders", "--mail-link", "/code.html"];
  [server, browser] = await Promise.all([startAlone(...upstream), launch()]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
  strangers?.close();
  files?.close();
});

const profile = async (options) => {
  const made = await browser.newContext(options);
  made.setDefaultTimeout(15_000);
  made.on("console", (message) => {
    if (message.type() == "error" && !/Failed to load resource|blocked by CORS policy/.test(message.text())) complaints.push(message.text());
  });
  made.on("weberror", (error) => complaints.push(String(error.error())));
  return made;
};
beforeEach(async () => {
  complaints = [];
  if (!skip) context = await profile();
});
afterEach(async () => {
  await context?.close();
  assert.deepEqual(complaints, []);
});

let people = 0;
const address = () => `person${++people}@example.com`;
const mailOf = (reference) => find(server.url + "/edgeauth/dev/inbox", reference);
const at = (path) => server.url + "/" + path;
const open = async (path, where = context) => {
  const page = await where.newPage();
  await page.goto(at(path));
  return page;
};
const holds = (page, selector, pattern) => until(async () => pattern.test(await page.textContent(selector)), `${pattern} in ${selector}`);
const isIn = (page) => page.waitForSelector("#account:not([hidden])");
const cookies = async (where = context) => (await where.cookies(server.url)).map(({name, value}) => name + "=" + value).sort();
const accounts = () => server.run(["user", "export"]).split("\n").filter((line) => line.includes("person")).sort();

// begin requests a code on one of the pages, with the keyboard. It returns the page for the code,
// and the reference.
const begin = async (path, email, where = context) => {
  const page = await open(path, where);
  await page.waitForFunction(() => document.activeElement.id == "email");
  await page.keyboard.type(email);
  if (path == "sign-in.html") await page.click("#by-code");
  else await page.keyboard.press("Enter");
  await page.waitForURL(at("code.html"));
  await page.waitForSelector("#code:not([hidden])");
  return {page, reference: await page.textContent("#reference")};
};

// enter types the code, and a password if the page has a field for it.
const enter = async (page, code, secret) => {
  await page.waitForFunction(() => document.activeElement.id == "digits");
  await page.keyboard.type(code);
  assert.equal(await page.isVisible("#new"), !!secret);
  if (secret) {
    await page.keyboard.press("Tab");
    await page.keyboard.type(secret);
  }
  await page.keyboard.press("Enter");
};

const signUp = async (email) => {
  const {page, reference} = await begin("sign-up.html", email);
  await enter(page, (await mailOf(reference)).code, password);
  await isIn(page);
  return page;
};

const signOut = async (page) => {
  await page.click("#sign-out");
  await page.waitForSelector("#signed-out:not([hidden])");
};

test("sign up, sign out, forgotten password, login by a code, with a keyboard", {skip}, async () => {
  const email = address(), page = await signUp(email), second = await open("");
  await isIn(second);
  await holds(second, "#orders", /^orders of [\w-]{36}$/);
  await signOut(page);
  await second.waitForSelector("#signed-out:not([hidden])");

  const reset = await begin("forgot.html", email), {code} = await mailOf(reset.reference);
  await enter(reset.page, code.replace(/./g, (digit) => 9 - digit), password + " 2");
  await holds(reset.page, "#problem", /Tries left: 2/);
  await reset.page.fill("#digits", code);
  await reset.page.fill("#new", password); // the previous password
  await reset.page.press("#new", "Enter");
  await holds(reset.page, "#problem", /Choose another password/);
  await reset.page.fill("#new", password + " 2");
  await reset.page.press("#new", "Enter");
  await isIn(reset.page);
  await isIn(second);
  await signOut(reset.page);

  const login = await begin("sign-in.html", email);
  await login.page.click("#resend");
  await holds(login.page, "#told", /new reference/);
  const reference = await login.page.textContent("#reference");
  assert.notEqual(reference, login.reference);
  await login.page.focus("#digits");
  await enter(login.page, (await mailOf(reference)).code);
  await isIn(login.page);
  await signOut(login.page);

  await page.goto(at("sign-in.html"));
  for (const [secret, told] of [[password, /is wrong/], [password + " 2"]]) {
    await page.fill("#email", email);
    await page.fill("#password", secret);
    await page.press("#password", "Enter");
    if (told) await holds(page, "#problem", told);
  }
  await isIn(page);
  assert.deepEqual((await cookies()).filter((cookie) => /flow/.test(cookie)).length <= 1, true, "flows that are over have left cookies");
});

test("no page and no answer tells who has an account", {skip}, async () => {
  const email = address();
  await signOut(await signUp(email));
  const seen = [];
  for (const who of [email, address()]) {
    for (const path of ["sign-up.html", "forgot.html"]) {
      const {page, reference} = await begin(path, who);
      seen.push((await page.textContent("main")).replace(reference, ""));
      await page.close();
    }
  }
  assert.deepEqual(seen.slice(0, 2), seen.slice(2));
});

// A mail scanner opens every link, runs scripts, and presses every button of the page, also a hidden one.
test("a mail scanner changes nothing, and the code still works where it began", {skip}, async () => {
  const email = address(), known = address();
  await signOut(await signUp(known));
  const signup = await begin("sign-up.html", email), reset = await begin("forgot.html", known), taken = await begin("sign-up.html", known);
  const before = accounts(), mails = await Promise.all([signup, reset, taken].map(({reference}) => mailOf(reference)));
  assert.deepEqual(mails.map(({code}) => !!code), [true, true, false]);
  const scanner = await profile(), sent = [];
  scanner.on("request", (request) => request.method() != "GET" && sent.push(new URL(request.url()).pathname));
  for (const {links} of mails) {
    assert.ok(links.length > 0);
    for (const link of links) {
      const page = await scanner.newPage();
      await page.goto(link);
      await page.waitForFunction(() => !location.hash);
      if (link.includes("#")) await holds(page, "#problem", /Type the code on the page where you began, beside the reference [A-Z]{4}/);
      await page.evaluate(() => {
        for (const element of document.querySelectorAll("[hidden]")) element.hidden = false;
        for (const input of document.querySelectorAll("input")) input.value = {code: "12345678", email: "scanner@example.com"}[input.name] || "a stranger's password";
        for (const button of document.querySelectorAll("button, input, summary")) button.click();
        document.querySelector("a")?.click();
      });
      await page.waitForTimeout(200);
      await page.close();
    }
  }
  assert.deepEqual(sent.filter((path) => !path.endsWith("/refresh")), []);
  // and a scanner that reads the script and sends the code itself, more often than a flow has
  // tries
  const page = await open("code.html", scanner);
  for (const {code, subject} of mails.slice(0, 2)) {
    for (let i = 0; i < 4; i++) {
      const status = await page.evaluate(async ([code, reference]) => {
        const body = JSON.stringify({code, reference, new_password: "a stranger's password", delivery: "cookie"});
        return (await fetch("/auth/code/verify", {method: "POST", headers: {"Content-Type": "application/json"}, body})).status;
      }, [code, subject.slice(-4)]);
      assert.equal(status, 400);
    }
  }
  assert.deepEqual(await cookies(scanner), []);
  await scanner.close();
  assert.deepEqual(accounts(), before);
  for (const [{page}, {code}] of [[reset, mails[1]], [signup, mails[0]]]) {
    await page.focus("#digits");
    await enter(page, code, password + " 2");
    await isIn(page);
    await signOut(page);
  }
});

test("a link goes on in the browser that began, and sends nothing by itself", {skip}, async () => {
  const {page, reference} = await begin("sign-up.html", address()), {links: [link], code} = await mailOf(reference);
  const tab = await context.newPage(), sent = [];
  tab.on("request", (request) => request.method() == "POST" && sent.push(new URL(request.url()).pathname));
  await tab.goto(link);
  await tab.waitForFunction(() => document.activeElement.id == "new");
  assert.equal(await tab.inputValue("#digits"), code);
  assert.equal(tab.url(), at("code.html"));
  assert.deepEqual(sent.filter((path) => path.includes("code")), []);
  const stored = await tab.evaluate(() => JSON.stringify([localStorage, sessionStorage]));
  assert.ok(stored.includes(reference) && !stored.includes(code) && !stored.includes("eas_"), "a script finds a secret in the storage");
  await tab.goto(at("code.html") + "#code=1234&ref=abcd"); // not complete
  await tab.waitForFunction(() => !location.hash);
  await holds(tab, "#problem", /Type the code/);
  await tab.goto(link); // the same page, with another fragment
  await until(async () => await tab.inputValue("#digits") == code, "the code");
  await tab.fill("#new", password);
  await tab.press("#new", "Enter");
  await isIn(tab);
  await page.click("#code button");
  await page.goto(at(""));
  await isIn(page);
  await page.goto(at("code.html"));
  await page.waitForSelector("#none:not([hidden])");
});

for (const [name, host] of [["cross-site", "localhost"], ["same-site", "127.0.0.1"]]) {
  test(`a ${name} page can neither take a code nor begin a flow`, {skip}, async () => {
    const {page, reference} = await begin("sign-up.html", address()), {code, links: [link]} = await mailOf(reference);
    // a flow of the stranger's own, to sign the visitor in to the stranger's account
    const asked = await fetch(at("auth/code"), {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify({email: address(), purpose: "signup"})});
    const own = await asked.json(), {code: ownCode} = await mailOf(own.reference);
    const before = await cookies(), users = accounts(), evil = await context.newPage();
    await evil.goto(`http://${host}:${strangers.port}/`);
    const read = await evil.evaluate(async ([target, flows, email]) => {
      const read = [], bodies = flows.flatMap((flow) => ["body", "cookie"].map((delivery) => ["auth/code/verify", {...flow, delivery, new_password: "a stranger's password"}]));
      bodies.push(...["body", "cookie"].map((delivery) => ["auth/code", {email, purpose: "login", delivery}]));
      for (const mode of ["cors", "no-cors"]) {
        for (const [path, body] of bodies) {
          for (const type of ["application/json", "text/plain", "application/x-www-form-urlencoded"]) {
            const answer = await fetch(target + path, {method: "POST", mode, credentials: "include", headers: {"Content-Type": type}, body: JSON.stringify(body)}).catch(() => {});
            if (answer) read.push(answer.status + await answer.text());
          }
        }
      }
      for (const [path, body] of bodies) { // a form, whose text is JSON
        const frame = Object.assign(document.createElement("iframe"), {name: "f" + Math.random()});
        const form = Object.assign(document.createElement("form"), {method: "POST", action: target + path, enctype: "text/plain", target: frame.name});
        form.append(Object.assign(document.createElement("input"), {name: JSON.stringify(body).slice(0, -1) + ',"a":"', value: '"}'}));
        document.body.append(frame, form);
        const loaded = new Promise((done) => frame.onload = done);
        form.submit();
        await Promise.race([loaded, new Promise((done) => setTimeout(done, 300))]);
      }
      return read;
    }, [server.url + "/", [{reference, code}, {auth_session: own.auth_session, code: ownCode}], address()]);
    assert.deepEqual([...new Set(read)], ["0"], "an answer could be read");
    assert.deepEqual(await cookies(), before);
    assert.deepEqual(accounts(), users);
    // a link of the stranger's shows at most a form
    for (const target of [link.replace(code, "00000000"), `${at("code.html")}#code=${ownCode}&ref=${own.reference}`]) {
      await evil.goto(`http://${host}:${strangers.port}/`);
      await evil.evaluate((href) => document.body.append(Object.assign(document.createElement("a"), {href, textContent: "link"})), target);
      await Promise.all([evil.waitForURL(at("code.html") + "**"), evil.click("a")]);
      await evil.waitForFunction(() => document.querySelector("#problem") && !location.hash);
    }
    assert.deepEqual(await cookies(), before);
    await enter(page, code, password);
    await isIn(page);
  });
}

test("axe-core finds nothing on the pages", {skip}, async () => {
  const small = await profile({viewport: {width: 360, height: 740}, reducedMotion: "reduce"});
  for (const name of readdirSync(folder).filter((name) => name.endsWith(".html"))) {
    const page = await open(name, small);
    await page.waitForLoadState("networkidle");
    await judge(page, name);
    await page.close();
  }
  const {page, reference} = await begin("sign-up.html", address(), small);
  await enter(page, "00000000", password);
  await holds(page, "#problem", /Tries left/);
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({colorScheme});
    await judge(page, "a refused code, " + colorScheme);
  }
  await page.fill("#digits", (await mailOf(reference)).code);
  await page.press("#digits", "Enter");
  await isIn(page);
  await judge(page, "signed in");
  await small.close();
});

test("the pages have nothing inline, and no form that a browser sends into an address", () => {
  for (const name of readdirSync(folder).filter((name) => name.endsWith(".html"))) {
    const html = readFileSync(join(folder, name), "utf8");
    assert.doesNotMatch(html, /<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)|javascript:/i, name);
    for (const form of html.match(/<form[^>]*>/g) || []) assert.match(form, / method="post"/, name);
  }
});
