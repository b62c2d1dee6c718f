// sizes.mjs prints the sizes of browser clients for docs/browser.md: login, refresh and logout,
// bundled and minified by esbuild and compressed with gzip -9. "make sizes" fetches the clients,
// whose versions node/package-lock.json pins.
//
//   node test/sizes/sizes.mjs           prints the table
//   node test/sizes/sizes.mjs --check   also fails if docs/browser.md has other numbers
import {execFileSync} from "node:child_process";
import {readFileSync} from "node:fs";
import {dirname, join} from "node:path";
import {fileURLToPath} from "node:url";
import {gzipSync} from "node:zlib";

const root = fileURLToPath(new URL("../../", import.meta.url)), folder = join(root, ".cache/sizes/node");

// The programs import the functions that a page calls, and esbuild leaves the rest out.
const clients = {
  edgeauth: `import {createAuth} from "${join(root, "web/edgeauth.js")}"; window.auth = createAuth();`,
  "better-auth": `import {createAuthClient} from "better-auth/client"; window.auth = createAuthClient();`,
  "oidc-client-ts": `import {UserManager} from "oidc-client-ts"; window.auth = new UserManager({});`,
  "supertokens-website": `import SuperTokens from "supertokens-website"; SuperTokens.init({}); window.auth = SuperTokens;`,
  "@supabase/auth-js": `import {AuthClient} from "@supabase/auth-js"; window.auth = new AuthClient({});`,
  "aws-amplify": `import {Amplify} from "aws-amplify"; import {signIn, signOut, fetchAuthSession} from "aws-amplify/auth";
    Amplify.configure({}); window.auth = {signIn, signOut, fetchAuthSession};`,
  "@auth0/auth0-spa-js": `import {createAuth0Client} from "@auth0/auth0-spa-js"; window.auth = createAuth0Client({});`,
};

const measure = (code) => {
  const bundle = execFileSync(join(folder, "node_modules/.bin/esbuild"), ["--bundle", "--minify", "--format=esm", "--target=es2022", "--log-level=error"], {input: code, cwd: folder, maxBuffer: 1 << 26});
  return (gzipSync(bundle, {level: 9}).length / 1024).toFixed(1);
};

const {dependencies} = JSON.parse(readFileSync(join(folder, "package.json")));
const rows = Object.entries(clients).map(([name, code]) => [name, dependencies[name] ?? "–", measure(code)]).sort((a, b) => a[2] - b[2]);
const table = ["| client | version | KB |", "| --- | --- | --- |", ...rows.map((row) => `| ${row.join(" | ")} |`)].join("\n");
console.log(table);
if (process.argv[2] == "--check" && !readFileSync(join(root, "docs/browser.md"), "utf8").includes(table)) {
  console.error("docs/browser.md has other numbers: put this table there");
  process.exit(1);
}
