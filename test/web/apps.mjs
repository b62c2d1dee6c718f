// The examples of servers that render pages, each in a copy of its folder with the packages that
// test/fetch.sh has fetched.
import {spawn} from "node:child_process";
import {once} from "node:events";
import {cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {root, until} from "./harness.mjs";

const cacheOf = (name) => join(root, ".cache/web", name);

// link makes a node_modules of links to the packages of the lock file, and to the client.
const link = (folder, name) => {
  const modules = join(folder, "node_modules");
  mkdirSync(join(modules, "@edgeauth"), {recursive: true});
  const fetched = join(cacheOf(name), "node_modules");
  for (const part of readdirSync(fetched)) symlinkSync(join(fetched, part), join(modules, part));
  symlinkSync(join(root, "web"), join(modules, "@edgeauth/browser"));
};

const run = (command, args, options) => spawn(command, args, {stdio: ["ignore", "pipe", "pipe"], ...options});

const build = async (folder, command, ...args) => {
  let said = "";
  const child = run(join(folder, "node_modules/.bin", command), args, {cwd: folder, env: {...process.env, NEXT_TELEMETRY_DISABLED: "1"}});
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => said += chunk);
  const [code] = await once(child, "exit");
  if (code) throw new Error(`${command} ended with ${code}: ${said}`);
};

const posts = {signIn: "/sign-in", signOut: "/sign-out", order: "/orders"};

// command returns the program that serves the example in a folder at a port, and its arguments.
// script has the headers with which the framework's own script requests a page. warning is the
// framework's log line for a request that it refuses.
export const apps = [
  {name: "Express", folder: "express", needs: "node_modules/express", posts, command: () => ["node", ["server.js"]]},
  {
    name: "Next.js", folder: "next", needs: "node_modules/next", posts: {signIn: "/api/sign-in", signOut: "/api/sign-out", order: "/api/orders"},
    script: {path: "/?_rsc=1", headers: {rsc: "1"}},
    async build(folder) {
      // The packages are outside of the folder, and no later build needs a cache.
      writeFileSync(join(folder, "next.config.js"), `export default {turbopack: {root: "/"}, experimental: {turbopackFileSystemCacheForBuild: false}};`);
      await build(folder, "next", "build");
    },
    command: (folder, port) => ["node", ["node_modules/next/dist/bin/next", "start", "-p", port, "-H", "127.0.0.1"]],
  },
  {
    name: "SvelteKit", folder: "sveltekit", needs: "node_modules/@sveltejs/kit", posts: {signIn: "/sign-in", signOut: "/?/signOut", order: "/?/order"},
    script: {path: "/__data.json", headers: {}},
    warning: /^\n\x1b\[1;31m\[4\d\d\] .*\n(Error: .*\n( +at .*\n)*)?/gm,
    build: (folder) => build(folder, "vite", "build", "--logLevel", "error"),
    command: () => ["node", ["build"]],
  },
  {
    name: "FastAPI", folder: "fastapi", needs: "bin/uvicorn", posts, warning: /^Expected boundary character.*\n/gm,
    command: (folder, port) => [join(cacheOf("fastapi"), "bin/uvicorn"), ["main:app", "--port", port, "--log-level", "error"]],
  },
];

export const skip = ({name, folder, needs}) => !existsSync(join(cacheOf(folder), needs)) && `${name} is missing: test/fetch.sh web`;

// start builds an example and starts it. log has its standard error.
export const start = async (app, {port, origin, api}) => {
  const folder = mkdtempSync(join(tmpdir(), `edgeauth-${app.folder}-`));
  cpSync(join(root, "examples", app.folder), folder, {recursive: true});
  if (app.needs.startsWith("node_modules")) link(folder, app.folder);
  await app.build?.(folder);
  const [command, args] = app.command(folder, String(port));
  const child = run(command, args, {cwd: folder, env: {...process.env, NODE_ENV: "production", HOST: "127.0.0.1", PORT: port, ORIGIN: origin, API: api}});
  let log = "";
  child.stdout.resume();
  child.stderr.on("data", (chunk) => log += chunk);
  await until(() => {
    if (child.exitCode != null) throw new Error(`${app.name} ended with ${child.exitCode}: ${log}`);
    return fetch(origin + "/sign-in").then(() => true, () => false);
  }, "the start of " + app.name, 60_000);
  return {
    log: () => log.replace(app.warning, ""),
    async stop() {
      const ended = once(child, "exit");
      child.kill();
      await ended;
      rmSync(folder, {recursive: true, force: true});
    },
  };
};

// pinned returns, for each package of an app, the version that the example names and the fetched
// version.
export const pinned = ({folder}) => {
  const {dependencies, devDependencies} = JSON.parse(readFileSync(join(root, "examples", folder, "package.json")));
  return Object.entries({...dependencies, ...devDependencies}).map(([name, version]) => {
    const file = name == "@edgeauth/browser" ? join(root, "web/package.json") : join(cacheOf(folder), "node_modules", name, "package.json");
    return [name, version.replace("^", ""), JSON.parse(readFileSync(file)).version];
  });
};
