// edgeauth on a server that renders pages: it calls the API on behalf of the browser whose
// request it answers. docs/browser.md of the repository gives the reason for each rule.

const LIMIT = 1e4; // milliseconds for a call of the API
const EARLY = 3e4; // milliseconds before its end from which an access token is replaced
const MARK = "auth-reloaded=1"; // the cookie of a browser that was told to reload

const isSafe = (method = "GET") => method == "GET" || method == "HEAD";

// left returns how many milliseconds the access token in a cookie has left. The API verifies the
// token; this only saves a call.
const left = (cookie) => {
  try {
    return JSON.parse(Buffer.from(cookie.split(".")[1], "base64url")).exp * 1e3 - Date.now();
  } catch {} // the comparison with undefined is false
};

export const createServerAuth = ({base, origin, clientId}) => (incoming, method) => {
  const get = (name) => incoming.get(name);
  const isRead = isSafe(method), site = get("sec-fetch-site"), isCross = site == "cross-site", all = (get("cookie") || "").split("; ");
  // Only one prefix is accepted: a page of another subdomain could set a cookie with the second
  // prefix.
  const prefix = /^https/.test(base) ? "__Host-Http-" : "edgeauth-"; // the second is for edgeauth dev without TLS
  const isOurs = (cookie) => cookie.startsWith(prefix) && !cookie.endsWith("=");
  const cookies = [];
  let jar = all.filter(isOurs), flight, isRefused;

  const find = (name) => jar.find((cookie) => cookie.startsWith(prefix + name + "="));

  const send = async (path, init = {}, own) => {
    const headers = new Headers(init.headers), isWrite = !isSafe(init.method);
    const pass = (name, value) => value ? headers.set(name, value) : headers.delete(name);
    pass("cookie", jar.join("; "));
    pass("user-agent", get("user-agent"));
    // Our own Origin would vouch for every page that makes the browser send a request here.
    pass("origin", own || isWrite && get("origin"));
    pass("sec-fetch-site", !own && isWrite && site);
    const answer = await fetch(base.replace(/\/?$/, () => path.replace(/^\/*/, "/")), {...init, headers, redirect: "manual", signal: AbortSignal.timeout(LIMIT)});
    for (const line of answer.headers.getSetCookie()) {
      cookies.push(line);
      const [cookie, name] = /^(.*?=)[^;]*/.exec(line);
      jar = [...jar.filter((old) => !old.startsWith(name)), cookie].filter(isOurs);
    }
    return answer;
  };

  const refreshOnce = async () => {
    if (find("session") || left(find("access")) > EARLY) return true;
    // A picture or a frame in a page of another origin is not a visit of the user.
    if (find("refresh") && !(isRead && /-site/.test(site) && get("sec-fetch-dest") != "document")) {
      const answer = await send("/auth/refresh", {
        method: "POST", headers: {"content-type": "application/json"}, body: JSON.stringify({client_id: clientId}),
      }, isRead && origin);
      if (answer.ok) return true;
      isRefused = (await answer.json()).terminal;
      if (!isRefused && (isRead || answer.status != 403)) throw Error("HTTP status " + answer.status);
    }
    return false;
  };

  return {
    cookies,
    fetch: (path, init) => send(path, init),
    refresh: () => flight ||= refreshOnce().catch((e) => {
      if (left(find("access")) > 0) return true;
      throw e;
    }),
    reload() {
      const isReload = isRead && (isCross || isRefused) && !all.includes(MARK);
      if (isReload) cookies.push(MARK + ";Max-Age=10");
      if (isReload || isCross) return `<!doctype html><title>Continue</title>${isReload ? "<meta http-equiv=refresh content=0>" : ""}<a href>Continue</a>`;
    },
  };
};
