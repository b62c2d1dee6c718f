// The page of "edgeauth dev". All that it does goes through the public functions of edgeauth.js.
import {quiet, shorten, wire} from "./wire.js";
import {createAuth} from "./edgeauth.js";
import {createAccount} from "./edgeauth-account.js";

const $ = (id) => document.getElementById(id);
const key = "edgeauth page"; // in localStorage: the delivery, which a reload and other tabs need
const deliveries = ["body", "cookie", "cookies", "session"];

let auth, account, session, life, lost, updating, isMeasuring;

// make makes an element. Text is never parsed as HTML.
const make = (tag, members = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), members);
  element.append(...children);
  return element;
};

const bytes = (count) => count.toLocaleString("en") + " B";
const sum = (counts) => Object.values(counts).reduce((all, count) => all + count, 0);

const duration = (seconds) => {
  const s = Math.max(0, Math.round(seconds)), two = (n) => String(n).padStart(2, "0");
  if (s < 3600) return `${Math.floor(s / 60)}:${two(s % 60)}`;
  return s < 172800 ? `${Math.floor(s / 3600)} h ${two(Math.floor(s % 3600 / 60))} min` : `${Math.round(s / 86400)} days`;
};

const moment = (text) => new Date(text).toLocaleString([], {dateStyle: "medium", timeStyle: "short"});

// Errors of the server have a code and often a sentence; errors of the network have a message.
const explain = (e) => [e.status, e.error || e.message, e.error_description, e.tries_left != undefined && "tries left: " + e.tries_left].filter(Boolean).join(" · ");

// By default, the authorizer takes tokens from the header Authorization alone.
const advise = (status) => {
  const source = {cookies: "access", session: "session"}[wire.delivery];
  if (!source || status != 401 && status != 403) return "";
  return ` This delivery needs "cookie:__Host-Http-${source}" among the token_sources of --config${source == "session" ? ", and --checked 'GET /me'" : ""}.`;
};

const problem = (e) => {
  $("problem").replaceChildren(...(e ? [make("code", {}, explain(e))] : []));
};

// run does what a button or a form asks for, and shows a refusal.
const run = (element, action) => element.addEventListener(element.tagName == "FORM" ? "submit" : "click", async (event) => {
  event.preventDefault();
  const button = element.tagName == "FORM" ? element.querySelector("button") : element;
  if (button.ariaBusy == "true") return;
  button.ariaBusy = "true"; // not disabled: a disabled button loses the focus
  problem();
  try {
    await action(Object.fromEntries(element.tagName == "FORM" ? new FormData(element) : []));
  } catch (e) {
    problem(e);
  }
  button.ariaBusy = "false";
});

// open starts the client, in the place of the one before.
const open = (delivery) => {
  account?.dispose();
  auth?.dispose();
  wire.delivery = delivery;
  auth = createAuth({delivery, persist: delivery == "body"});
  auth.on((type, detail) => {
    if (isMeasuring) return;
    if (type != "reauth") return void update().catch(problem);
    $("reauth-told").textContent = `The server asks for a login of the last ${detail?.max_age ?? 600} seconds. Prove the password, then try again.`;
    $("again").focus();
  });
  account = createAccount(auth, linked);
};

// update asks the client for the session and shows it.
const update = () => updating ||= read().finally(() => updating = undefined);

const read = async () => {
  const was = session;
  try {
    session = await auth.session();
  } finally {
    show();
  }
  if (session && session.sid != was?.sid) await list();
};

const show = () => {
  const {flow} = account;
  $("welcome").hidden = !!(session || flow);
  $("code-box").hidden = !flow;
  if (flow) showFlow(flow);
  $("inside").hidden = $("logout").hidden = !session;
  $("state").textContent = session ? "Signed in" : "Signed out";
  $("state").className = session ? "chip good" : "chip";
  if (!session) life = undefined;
  const ends = (seconds) => seconds == undefined ? "not told" : moment(Date.now() + seconds * 1000);
  const elsewhere = wire.delivery == "session" ? "none" : "in a cookie: no script can read it";
  const facts = session ? [
    ["Session", session.sid, "id"], ["Delivery", session.delivery || wire.delivery], ["Ends if unused", ends(session.refresh_expires_in)],
    ["Ends in any case", ends(session.session_expires_in)], ["Access token", life?.access || elsewhere, "id"],
    ["Refresh token", life?.refresh || elsewhere, "id"],
  ] : [];
  $("facts").replaceChildren(...facts.flatMap(([name, value, className = ""]) => [make("dt", {}, name), make("dd", {className}, value)]));
  $("claims-box").hidden = !life?.claims;
  $("claims").textContent = life?.claims ? JSON.stringify(life.claims, null, 2) : "";
  tick();
};

// The server never tells whether an address has an account, so the page does not know it either.
const showFlow = ({purpose, email, reference}) => {
  $("code-why").replaceChildren(purpose == "signup" ? `A mail is on its way to ${email}. It has a code, unless the address has an account already. `
    : `If ${email} has an account, a mail with a code is on its way. `, "Its reference is ", make("b", {}, reference), ": take no code with another one.");
  $("choose").hidden = $("chosen").disabled = purpose == "login";
  for (const input of document.querySelectorAll(".who")) input.value = email;
};

const tick = () => {
  $("life").hidden = !life?.seconds;
  const left = life?.seconds ? life.seconds - (performance.now() - life.start) / 1000 : 0;
  if (life?.seconds) {
    $("left").textContent = duration(left);
    $("bar").value = Math.max(0, left / life.seconds);
  }
  $("life-hint").textContent = !life?.seconds ? "No access token: the server reads the session at each request."
    : left < life.seconds / 10 ? "Nine tenths are over: the next call refreshes first." : "The client refreshes at the first call after nine tenths of its life.";
};
setInterval(tick, 1000);

const decode = (token) => {
  try {
    const text = atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"));
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(text, (c) => c.charCodeAt(0))));
  } catch {}
};

const called = (entry, name) => entry.path.endsWith("/auth/" + name);
const setCookie = (entry, kind) => Object.entries(entry.got).some(([name, count]) => name.endsWith("-" + kind) && count);

// changed tells what a request has changed, from what the page sent and what it got.
const changed = (entry) => {
  const {said, asked} = entry, parts = [];
  if (entry.error && !entry.isDropped) return [["error", "bad"], String(entry.error.message)];
  if (called(entry, "refresh")) {
    const isAgain = lost && asked.refresh_token == lost;
    lost = entry.isDropped ? asked.refresh_token : undefined;
    if (entry.isDropped) {
      return [["dropped", "odd"], wire.delivery == "body"
        ? `The server has answered${said.refresh_token ? " with a new refresh token" : ""}, and the client knows nothing of it. It keeps the token that it sent, and sends it again.`
        : "The script has lost the answer. The browser had stored its cookies already, so the next refresh sends the new ones. In body delivery, the token is lost too."];
    }
    if (!entry.ok) return [[said.error || entry.status, "bad"], said.terminal ? "Terminal: this session has ended, sign in again." : said.error_description || "The client keeps what it has."];
    if (isAgain) parts.push("The same refresh token a second time, since the answer was lost: the server answers again, and no session ends.");
    const next = said.refresh_token;
    const isRotated = next || setCookie(entry, "refresh");
    parts.push(next ? `Refresh token ${shorten(asked.refresh_token)} became ${shorten(next)}.` : isRotated ? "The server set a new cookie with the refresh token." : "The refresh token stays: it is too young to be replaced, or its profile is fixed.");
    parts.push(said.access_token ? "New access token in the body." : "New access token in a cookie.");
    return [[isRotated ? "rotated" : "token kept", isRotated ? "good" : ""], parts.join(" ")];
  }
  if (!entry.ok) return [[String(said.error || said.message || entry.status), "bad"], said.error_description || ""];
  if (called(entry, "code")) return [["mail asked for", "good"], "The answer is the same whether the address has an account or not."];
  for (const [name, text] of [["login", "A session was opened."], ["reauth", "A new session takes the place of the one before, which ends 200 seconds later at a refresh."],
    ["password", "All sessions have ended, and a new one is open."], ["code/verify", "The code was right, and a session was opened."], ["logout", "The session has ended."]]) {
    if (called(entry, name)) return [[name == "logout" ? "ended" : "new session", "good"], text];
  }
  return [["", ""], ""];
};

wire.told = (entry) => {
  const [[chip, kind], text] = changed(entry);
  if (!entry.isDropped && entry.ok && ["login", "refresh", "reauth", "password", "code/verify"].some((name) => called(entry, name))) {
    const {access_token, refresh_token, expires_in} = entry.said;
    life = {
      start: entry.start, seconds: expires_in, access: access_token && shorten(access_token), claims: access_token && decode(access_token),
      refresh: refresh_token ? shorten(refresh_token) : entry.asked.refresh_token && shorten(entry.asked.refresh_token),
    };
  }
  if (called(entry, "refresh")) {
    $("drop").checked = false;
    // The end of the session hides the lesson.
    if (session && entry.said.terminal) $("problem").textContent = `${entry.status} · ${entry.said.error}: the session has ended, and you are signed out.`;
    $("lesson").className = entry.isDropped ? "lesson odd" : "lesson";
    $("lesson").textContent = entry.isDropped ? text + " Press “Refresh now” again, and look at the wire." : text;
  }
  const parts = (counts) => Object.entries(counts).filter(([, count]) => count).map(([name, count]) => `${name} ${count.toLocaleString("en")}`).join(", ");
  const row = (name, counts) => `${name} ${bytes(sum(counts))}${sum(counts) ? ` (${parts(counts)})` : ""}`;
  $("log").prepend(make("li", {}, make("details", {},
    make("summary", {},
      make("span", {className: "what"}, `${entry.method} ${entry.path}`),
      make("span", {className: "chip " + (entry.ok && !entry.isDropped ? kind : kind || "bad")}, [entry.status, chip].filter((part, i, all) => part && all.indexOf(part) == i).join(" ")),
      make("span", {className: "about"}, `${entry.at.toLocaleTimeString()} · ${entry.delivery} · sent ${bytes(sum(entry.sent))} · got ${bytes(sum(entry.got))}`),
      ...(text ? [make("span", {className: "about"}, make("b", {}, text))] : [])),
    make("h3", {}, row("Sent", entry.sent)), ...(entry.request ? [make("pre", {tabIndex: 0}, entry.request)] : []),
    make("h3", {}, row("Got", entry.got)), ...(entry.answer ? [make("pre", {tabIndex: 0}, entry.answer)] : []))));
  while ($("log").children.length > 100) $("log").lastChild.remove();
  $("nothing").hidden = true;
  $("news").textContent = `${entry.method} ${entry.path}: ${entry.status || "no answer"} ${chip}`;
  if (entry.ok) compare(entry);
};

// The table of deliveries.
const table = {};
const columns = ["login", "call", "refreshSent", "refreshGot"];

const compare = (entry) => {
  const cells = table[entry.delivery];
  if (called(entry, "login")) {
    const device = entry.said.device_token;
    cells.login({...entry.got, body: entry.got.body - (device ? `,"device_token":"${device}"`.length : 0)});
  } else if (called(entry, "refresh")) {
    cells.refreshSent(entry.sent);
    cells.refreshGot(entry.got);
  } else if (!entry.path.startsWith("/auth/")) cells.call(entry.sent);
};

for (const delivery of deliveries) {
  const row = make("tr", {}, make("th", {scope: "row"}, delivery));
  table[delivery] = {};
  for (const column of columns) {
    const cell = make("td", {}, "–");
    table[delivery][column] = (counts, text) => {
      const {body = 0, ...lines} = counts || {};
      const rest = sum(Object.fromEntries(Object.entries(lines).filter(([name]) => !name.endsWith("-device"))));
      const split = [body && `body ${body.toLocaleString("en")}`, rest && `headers ${rest.toLocaleString("en")}`].filter(Boolean).join(" + ");
      cell.replaceChildren(make("b", {className: /^\d/.test(text) ? "bad" : ""}, text || bytes(body + rest)), make("small", {}, text ? "" : split));
    };
    row.append(cell);
  }
  $("table").append(row);
}

// browser is the short form of a User-Agent, for people. Nothing depends on it.
const browser = (agent = "") => {
  const [, name, version] = /(Edg|Firefox|HeadlessChrome|Chrome|Version|curl)\/(\d+)/.exec(agent) || [];
  const system = /Android|iPhone|iPad|Windows|Mac OS X|Linux/.exec(agent)?.[0];
  return name ? `${{Edg: "Edge", Version: "Safari", HeadlessChrome: "Chrome"}[name] || name} ${version}${system ? " on " + system : ""}` : agent.slice(0, 60);
};

const list = async () => {
  const sessions = await auth.sessions.list();
  $("sessions").replaceChildren(...sessions.map((entry) => {
    const name = entry.label || browser(entry.user_agent) || entry.client_id || "Session";
    const button = make("button", {}, entry.current ? "Sign out" : "End");
    button.setAttribute("aria-label", `${button.textContent}: session of ${moment(entry.created_at)}, ${entry.sid}`);
    run(button, async () => {
      await auth.sessions.end(entry.sid);
      if (entry.current) return;
      await list();
      $("sessions-told").textContent = `The session ${shorten(entry.sid)} has ended: its refresh token is refused from now on.`;
      $("list").focus();
    });
    return make("li", {}, make("div", {}, make("b", {}, name, ...(entry.current ? [" ", make("span", {className: "chip good"}, "this one")] : [])),
      make("small", {}, `since ${moment(entry.created_at)}, seen ${moment(entry.last_seen_at)}`), make("small", {}, [entry.sid, ...(entry.amr || [])].join(" · "))), button);
  }));
  $("sessions-told").textContent = sessions.length == 1 ? "One session" : sessions.length + " sessions";
};

run($("login"), async ({email, password, delivery}) => {
  localStorage.setItem(key, delivery);
  open(delivery);
  await auth.login({email, password});
  for (const input of document.querySelectorAll(".who")) input.value = email;
  $("login").elements.password.value = "";
  await update();
  $("life-title").focus();
});

// begin asks for a code, and shows the mail as soon as it is there.
const begin = async (send) => {
  const {reference} = await send();
  show();
  $("code").reset();
  $("digits").focus();
  for (let i = 0; i < 10 && account.flow?.reference == reference; i++) {
    if (await readInbox(reference)) return;
    await new Promise((done) => setTimeout(done, 500));
  }
  $("inbox-told").textContent = `No mail with the reference ${reference} has come: an address without an account gets none.`;
};

for (const [id, purpose] of [["signup", "signup"], ["by-code", "login"], ["reset", "reset"]]) {
  run($(id), async () => {
    if (!$("email").reportValidity()) return;
    const {email, delivery} = Object.fromEntries(new FormData($("login")));
    localStorage.setItem(key, delivery);
    open(delivery);
    await begin(() => account.begin(purpose, email));
  });
}
run($("resend"), () => begin(account.resend));

run($("cancel"), async () => {
  account.cancel();
  show();
  (session ? $("life-title") : $("welcome-title")).focus();
});

run($("code"), async ({code, newPassword}) => {
  try {
    await account.verify(code, {newPassword});
    $("code").reset();
    await update();
    $("life-title").focus();
  } finally {
    show();
  }
});

// linked shows what the link of a mail has brought. Only the form sends it.
const linked = ({code, reference = "of the mail"}) => {
  if (!code) return void ($("problem").textContent = `This page did not ask for that mail. Type its code where you began, beside the reference ${reference}.`);
  show();
  $("digits").value = code;
  ($("chosen").disabled ? $("code").querySelector("button") : $("chosen")).focus();
};

// readInbox shows the mails as texts, and returns whether one has the reference.
const readInbox = async (reference) => {
  const answer = await quiet("dev/inbox");
  if (!answer.ok) return void ($("inbox-told").textContent = "No inbox here: it is shown on the machine of the server alone, and only if mails are kept as files.");
  const {mails} = await answer.json(), opened = new Set([...document.querySelectorAll("#inbox [open]")].map(({id}) => id));
  $("inbox").replaceChildren(...mails.map(({id, subject, to, time, text}) => {
    const [link] = /^https?:\/\/\S+#code=\d{8}&ref=[A-Z]{4}$/m.exec(text) || [], isHere = link && new URL(link).origin == location.origin;
    return make("li", {}, make("details", {id, open: opened.has(id)}, make("summary", {}, subject, make("small", {}, `to ${to} · ${moment(time)}`)),
      make("pre", {tabIndex: 0}, text), ...(isHere ? [make("a", {className: "button", href: link, target: "_blank"}, "Open the link of this mail")] : [])));
  }));
  $("inbox-told").textContent = mails.length ? "" : "No mail yet.";
  return mails.some(({subject}) => subject.endsWith("reference " + reference));
};
run($("read"), () => readInbox());

run($("logout"), async () => {
  await auth.logout();
  $("welcome-title").focus();
});

run($("call"), async ({path}) => {
  const answer = await auth.fetch(new URL(path, location.origin)), text = await answer.text();
  let pretty = text;
  try {
    pretty = JSON.stringify(JSON.parse(text), null, 2);
  } catch {}
  $("called").replaceChildren(make("span", {className: "chip " + (answer.ok ? "good" : "bad")}, String(answer.status)), make("pre", {tabIndex: 0}, pretty.slice(0, 4000)));
  if (!answer.ok) $("called").append(make("p", {className: "hint"}, advise(answer.status)));
});

run($("refresh"), async () => {
  open(wire.delivery);
  await update();
  if (wire.delivery == "session") {
    $("lesson").className = "lesson";
    $("lesson").textContent = "There is nothing to refresh: the client asked whether the session is there, and the cookie stays the same.";
  }
});
$("drop").addEventListener("change", () => wire.dropNext = $("drop").checked);

run($("list"), list);
run($("others"), async () => {
  await auth.sessions.others();
  await list();
});

run($("reauth"), async ({password}) => {
  const {sid} = await auth.reauth({password});
  $("reauth").reset();
  await update();
  $("reauth-told").textContent = `The login is fresh now. The new session is ${shorten(sid)}.`;
});

run($("change"), async (fields) => {
  await auth.password(fields);
  $("change").reset();
  await update();
  $("change-told").textContent = "The password is changed. The terminal does not show it: it knows the first one alone.";
});

run($("clear"), async () => {
  $("log").replaceChildren();
  $("nothing").hidden = false;
});

run($("measure"), async () => {
  const {email, password} = Object.fromEntries(new FormData($("login")));
  if (session) return void ($("measure-told").textContent = "Sign out first: each login would take the place of this session’s cookies.");
  if (!password) return void ($("measure-told").textContent = "Type the e-mail and the password into the form above first.", $("password").focus());
  const before = wire.delivery;
  isMeasuring = true;
  try {
    for (const delivery of deliveries) {
      $("measure-told").textContent = `Measuring ${delivery}`;
      open(delivery);
      try {
        await auth.login({email, password});
      } catch (e) {
        table[delivery].login(null, `${e.status || ""} ${e.error || e.message}`);
        if (e.error == "invalid_credentials" || e.status == 429) throw e;
        continue;
      }
      try {
        const answer = await auth.fetch(new URL($("path").value, location.origin));
        if (!answer.ok) table[delivery].call(null, `${answer.status} refused`);
        if (delivery != "session") {
          open(delivery);
          await auth.session();
        } else for (const column of ["refreshSent", "refreshGot"]) table[delivery][column](null, "none");
      } finally {
        await auth.logout();
      }
    }
    $("measure-told").textContent = "Measured: each delivery signed in, called the API, refreshed and signed out.";
  } catch (e) {
    $("measure-told").textContent = "Not measured: the login was refused.";
    throw e;
  } finally {
    open(before);
    isMeasuring = false;
    await update();
  }
});

// Another tab may have signed in with another delivery.
addEventListener("storage", (event) => {
  if (event.key != key || !deliveries.includes(event.newValue)) return;
  open(event.newValue);
  update().catch(problem);
});

$("server").textContent = location.host;
const stored = localStorage.getItem(key), delivery = deliveries.includes(stored) ? stored : "body";
$("login").elements.delivery.value = delivery;
open(delivery);
update().catch(problem);
readInbox().catch(problem);
