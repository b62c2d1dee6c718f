// Pages that a server renders, behind a sign-in. The browser talks only to this server, and the
// cookies of edgeauth are on its host. No script runs in the page.
//
//	PORT=3000 ORIGIN=http://localhost:3000 API=http://127.0.0.1:8080 node server.js
//
// ORIGIN must be in "origins" of edgeauth's configuration, and "cookie:__Host-Http-access" in "token_sources".

import express from "express";
import {createServerAuth} from "@edgeauth/browser/server";

const {PORT = "3000", ORIGIN = `http://localhost:${PORT}`, API = "http://127.0.0.1:8080"} = process.env;
const authOf = createServerAuth({base: API, origin: ORIGIN});
const json = {"Content-Type": "application/json"};
const start = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Orders</title>';
const form = `${start}<form method="post" action="/sign-in"><label>E-mail <input name="email" type="email" required></label>
  <label>Password <input name="password" type="password" required></label> <button>Sign in</button></form>`;
const buttons = `<form method="post" action="/orders"><button>Order</button></form>
  <form method="post" action="/sign-out"><button>Sign out</button></form>`;
const escape = (text) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const app = express();
app.use(express.urlencoded({extended: false}));

// The refresh is here, before all pages: when a component runs, the headers of the answer may
// already be sent.
app.use(async (req, res, next) => {
  req.auth = authOf(new Headers(req.headers), req.method);
  res.set({"Cache-Control": "no-store", "Content-Security-Policy": "frame-ancestors 'none'"});
  req.isSignedIn = await req.auth.refresh().catch(() => {});
  res.setHeader("Set-Cookie", req.auth.cookies);
  req.isSignedIn == undefined ? res.status(503).send("The sign-in service cannot be reached.") : next();
});

// A page for signed-in users begins with this.
const signedIn = (req, res, next) => {
  if (req.isSignedIn) return next();
  const page = req.auth.reload();
  res.setHeader("Set-Cookie", req.auth.cookies);
  page ? res.send(page) : res.redirect(303, "/sign-in");
};

// pass answers with the cookies and the refusal of the API, or goes to a page.
const pass = (req, res, answer, to) => {
  res.setHeader("Set-Cookie", req.auth.cookies);
  answer.ok ? res.redirect(303, to) : res.status(answer.status).send("Refused.");
};

app.get("/sign-in", (req, res) => res.send(form));

app.post("/sign-in", async (req, res) => {
  const {email, password} = req.body ?? {};
  pass(req, res, await req.auth.fetch("/auth/login", {method: "POST", headers: json, body: JSON.stringify({email, password, delivery: "cookies"})}), "/");
});

app.post("/sign-out", async (req, res) => {
  pass(req, res, await req.auth.fetch("/auth/logout", {method: "POST", headers: json, body: "{}"}), "/sign-in");
});

app.get("/", signedIn, async (req, res) => {
  res.type("html").flushHeaders(); // the cookies are sent before the page is rendered
  const answer = await req.auth.fetch("/orders").catch(() => {});
  if (!answer) return res.end(start + "<p>The API cannot be reached.</p>");
  res.end(start + (answer.ok ? `<pre>${escape(await answer.text())}</pre>${buttons}` : '<a href="/sign-in">Sign in again</a>'));
});

app.post("/orders", signedIn, async (req, res) => pass(req, res, await req.auth.fetch("/orders", {method: "POST", headers: json, body: "{}"}), "/"));

app.use((error, req, res, next) => {
  if (error.status < 500) return res.status(error.status).send("Refused."); // the request cannot be read
  console.error(error.message);
  res.headersSent ? res.end() : res.status(503).send("The API cannot be reached.");
});

app.listen(+PORT, "127.0.0.1");
