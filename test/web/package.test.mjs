// The npm package: its size, its types, and its import in a separate project.
import assert from "node:assert/strict";
import {execFileSync} from "node:child_process";
import {mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {after, before, test} from "node:test";
import {gzipSync} from "node:zlib";
import {root, tools} from "./harness.mjs";

const largest = 2560; // bytes, minified and compressed
let folder, project;

const run = (command, args, cwd) => execFileSync(command, args, {cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"]});

before(() => {
  folder = mkdtempSync(join(tmpdir(), "edgeauth-npm-"));
  project = mkdtempSync(join(folder, "project-"));
  run("make", ["--no-print-directory", "npm", "DIST=" + folder], root);
  const archive = readdirSync(join(folder, "npm")).find((name) => name.endsWith(".tgz"));
  writeFileSync(join(project, "package.json"), '{"private": true, "type": "module"}');
  run("npm", ["install", "--offline", "--no-audit", "--no-fund", "--loglevel=error", join(folder, "npm", archive)], project);
});
after(() => rmSync(folder, {recursive: true, force: true}));

test("the client has at most 2.5 KB", () => {
  const {length} = gzipSync(readFileSync(join(project, "node_modules/@edgeauth/browser/edgeauth.min.js")), {level: 9});
  console.log(`the browser client has ${length} bytes, minified and compressed (at most ${largest})`);
  assert.ok(length <= largest);
});

test("the part for accounts has at most 1.5 KB", () => {
  const {length} = gzipSync(readFileSync(join(project, "node_modules/@edgeauth/browser/edgeauth-account.min.js")), {level: 9});
  console.log(`edgeauth-account.js has ${length} bytes, minified and compressed (at most 1536)`);
  assert.ok(length <= 1536);
});

test("the server's part has at most 1 KB", () => {
  const code = execFileSync(join(tools, "node_modules/.bin/esbuild"), ["--minify", "--format=esm", "--target=es2022"], {input: readFileSync(join(project, "node_modules/@edgeauth/browser/server.js"))});
  const {length} = gzipSync(code, {level: 9});
  console.log(`server.js has ${length} bytes, minified and compressed (at most 1024)`);
  assert.ok(length <= 1024);
});

test("the package holds the client, its types and its licence, and no more", () => {
  assert.deepEqual(readdirSync(join(project, "node_modules/@edgeauth/browser")).sort(), [
    "LICENSE", "README.md", "edgeauth-account.d.ts", "edgeauth-account.js", "edgeauth-account.min.js", "edgeauth.d.ts", "edgeauth.js",
    "edgeauth.min.js", "package.json", "server.d.ts", "server.js",
  ]);
});

test("both forms can be imported, also without a browser", () => {
  for (const name of ["@edgeauth/browser", "@edgeauth/browser/edgeauth.min.js"]) {
    const code = `
      const {createAuth} = await import("${name}");
      const auth = createAuth({base: "https://api.example.com"});
      console.log(Object.keys(auth).sort().join(" "), await auth.session());`;
    assert.equal(run("node", ["--input-type=module", "-e", code], project).trim(), "code delivery dispose fetch login logout on password reauth session sessions verify null");
  }
});

// An unknown member, a wrong type and a missing member must be errors.
const right = `
import {createAuth, type Auth, type AuthError, type Session} from "@edgeauth/browser";
import {createAccount, type Account, type Flow} from "@edgeauth/browser/account";
import {createServerAuth} from "@edgeauth/browser/server";

const forRequest = createServerAuth({base: "https://api.example.com", origin: "https://app.example.com"});
export const isSignedIn: Promise<boolean> = forRequest(new Headers(), "GET").refresh();
export const {cookies}: {cookies: string[]} = forRequest(new Headers({cookie: "a=b"}), "POST");

const auth: Auth = createAuth({base: "https://api.example.com", delivery: "cookie", apis: ["https://api.example.com/v1"]});

const account: Account = createAccount(auth, ({code, reference}) => console.log(code ?? "elsewhere", reference));

export async function signUp(): Promise<string> {
  const flow: Flow = await account.begin("signup", "ada@example.com", {invite: "x"});
  await account.resend();
  return flow.reference + (await account.verify("12345678", {newPassword: "x", remember: false})).sid + (account.flow?.email ?? "");
}

export async function use(): Promise<string> {
  const off = auth.on((type, detail) => { if (type === "reauth") console.log(detail?.max_age); });
  try {
    const session: Session = await auth.login({email: "ada@example.com", password: "x", one_time_code: "123456"});
    for (const entry of await auth.sessions.list()) if (!entry.current) await auth.sessions.end(entry.sid);
    const answer: Response = await auth.fetch("https://api.example.com/v1/me", {method: "POST"});
    return session.sid + answer.status;
  } catch (e) {
    const {error, retryAfter} = e as AuthError;
    return (error ?? "") + (retryAfter ?? "");
  } finally {
    off();
    auth.dispose();
  }
}
`;
const wrong = [
  `createAuth({delivery: "cooky"})`, `createAuth({url: "x"})`, `createAuth().login({email: "x"})`, `createAuth().on((type: "signed_in") => {})`,
  `createAuth().session().sid`, `createAuth().sessions.end()`, `createAccount(createAuth()).begin("sign-up", "x")`,
  `createAccount(createAuth()).verify()`, `createAccount()`,
];

test("the types accept what is right and refuse what is wrong", () => {
  writeFileSync(join(project, "right.ts"), right);
  wrong.forEach((code, i) => writeFileSync(join(project, `wrong${i}.ts`), `import {createAuth} from "@edgeauth/browser"; import {createAccount} from "@edgeauth/browser/account";\n${code};\n`));
  for (const how of [["--module", "nodenext"], ["--module", "esnext", "--moduleResolution", "bundler"]]) {
    let said = "";
    try {
      run(join(tools, "node_modules/.bin/tsc"), ["--noEmit", "--strict", "--target", "es2022", "--lib", "es2022,dom,dom.iterable", "--types", "", ...how, "right.ts", ...wrong.map((_, i) => `wrong${i}.ts`)], project);
    } catch (e) {
      said = e.stdout + e.stderr;
    }
    const blamed = said.split("\n").filter((line) => /^\S/.test(line)).map((line) => line.replace(/(,\d+)?\): error TS.*/, ")"));
    assert.deepEqual([...new Set(blamed)].sort(), wrong.map((_, i) => `wrong${i}.ts(2)`), said);
  }
});
