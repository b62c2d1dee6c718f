// edgeauth in the browser: sign in, call an API, sign out. docs/browser.md of the repository
// gives the reason for each rule.

const LIMIT = 3e4; // milliseconds for a whole exchange with the server
const FLIGHT = 45; // seconds within which an answer may be stored, if it has no store_within
const YOUNG = 6e4; // milliseconds within which a token that replaced a refused token is not replaced

// The cause of these refusals is not the age of the token.
const FINAL = ["insufficient_user_authentication", "origin_not_allowed", "invalid_credentials"];

// The wall clock keeps running while the machine sleeps, and the monotonic clock cannot be set. So
// the larger of the two durations is never too small.
const stopwatch = () => {
  const wall = Date.now(), steady = performance.now();
  return () => Math.max(Date.now() - wall, performance.now() - steady);
};

const locate = (address) => new URL(address, globalThis.location?.href).href.replace(/\/?$/, "/");

const isRefusal = (status) => status == 401 || status == 403;

const failed = ({status, wait, said}) => Object.assign(new Error(said.error || "HTTP status " + status), said, {status, retryAfter: wait});

export const createAuth = ({base = "/", delivery = "body", clientId, apis = [base], persist} = {}) => {
  base = locate(base) + "auth/";
  apis = [base, ...apis.map(locate)];
  const inBody = delivery == "body"; // this client holds the refresh token
  const hasBearer = inBody || delivery == "cookie"; // this client holds the access token
  const isOpaque = delivery == "session"; // nothing is refreshed; the server says whether the session is open
  const key = "edgeauth " + base + (clientId ? " " + clientId : "");
  const listeners = new Set(), disposed = new AbortController();

  let isShared = persist || !inBody, channel; // all tabs have the same session
  let memory = null, known, token, flight, stop, failure, failures = 0, held, release, awaited, refused = new Set();

  // A record is the state that all tabs share: null if nothing is known, {} after a sign-out,
  // otherwise the id of the session. Only in body delivery does it contain the refresh token.
  const load = () => {
    try {
      if (isShared) memory = JSON.parse(localStorage.getItem(key));
    } catch {} // without storage, each page asks the server
    return memory;
  };
  const save = (record) => {
    memory = record;
    try {
      if (isShared) localStorage.setItem(key, JSON.stringify(record));
    } catch {
      // A full storage still has the previous record: a replaced token, or a sign-out.
      isShared = 0;
      try {
        localStorage.removeItem(key);
      } catch {}
    }
  };

  const emit = (type, detail) => listeners.forEach((listener) => listener(type, detail));

  // Another tab may have signed in or out. The record is the truth; a message only says that it has
  // changed.
  const sync = () => {
    const record = load();
    if (record && record.sid != known) {
      known = record.sid;
      if (token?.sid != known) token = 0;
      refused = new Set();
      emit(known ? "signed-in" : "signed-out");
    }
  };

  const tell = (message) => channel && channel.postMessage(message);

  // While a tab signs in or out, no refresh may be running: its late answer would overwrite the new
  // session with the old one.
  const hold = () => {
    stop?.abort();
    held ||= new Promise((done) => {
      release = () => {
        clearTimeout(timer); // it would end a later wait
        done(held = 0);
      };
      const timer = setTimeout(release, LIMIT); // if the other tab is gone, the wait ends by itself
    });
  };

  const free = () => {
    release?.();
    sync();
  };

  // A message may arrive before the record is visible, although the other tab wrote the record
  // first.
  const hear = ({data}) => {
    if (data) awaited = data.isHold ? hold() : data;
    if (awaited && load()?.sid == awaited.sid) awaited = free();
    else sync();
  };

  const tellRecord = () => tell({sid: load()?.sid});

  const leave = () => {
    save({});
    sync();
    tellRecord();
  };

  const send = async (path, body, stop, access) => {
    const age = stopwatch();
    AbortSignal.timeout(LIMIT).onabort = () => stop.abort();
    const answer = await fetch(base + path, {
      method: body ? "POST" : "GET",
      headers: {"Content-Type": "application/json", ...(access && {Authorization: "Bearer " + access})},
      body: body && JSON.stringify({client_id: clientId, ...body}),
      credentials: inBody ? "same-origin" : "include",
      signal: stop.signal,
    });
    const {status, ok} = answer;
    const said = await answer.json().catch((e) => {
      if (ok || stop.signal.aborted) throw e;
      return {};
    });
    return {status, ok, age, said, wait: answer.headers.get("Retry-After"), isLate: inBody && age() > (said.store_within ?? FLIGHT) * 1e3};
  };

  const accept = ({said, age}, was, replaced) => {
    const {access_token, refresh_token, sessions, next, ...answer} = said;
    token = {sid: said.sid, value: access_token, age, life: isOpaque ? 1 / 0 : said.expires_in * 1e3, answer};
    failures = failure = 0;
    save({sid: said.sid, was: replaced, token: inBody ? refresh_token || was.token : undefined});
    sync();
    return token;
  };

  const backOff = (error) => {
    failure = {error, age: stopwatch(), pause: (+error.retryAfter || Math.min(2 ** failures++, 60) * (.5 + Math.random() / 2)) * 1e3};
    return error;
  };

  const refreshOnce = async () => {
    if (failure && failure.age() < failure.pause) throw failure.error;
    for (let isSecond; ; ) {
      await held;
      const was = load();
      if (inBody ? !was?.token : was && !was.sid) return;
      const answer = await send(isOpaque ? "sessions" : "refresh", isOpaque ? undefined : inBody ? {refresh_token: was.token} : {}, stop = new AbortController()).catch((error) => ({error}));
      if (disposed.signal.aborted) throw disposed.signal.reason;
      if (held) continue;
      if (answer.error) throw backOff(answer.error);
      const now = load(), {ok, said} = answer;
      if (inBody && (answer.isLate || now?.token != was.token)) continue; // another tab was faster, or a new session has begun
      if (ok && (inBody || !now || said.sid && (said.sid == now.sid || said.sid == now.was))) return accept(answer, was);
      if (ok) {
        // The browser has stored the cookie of a session that the user has left.
        await send("logout", {}, new AbortController()).catch(() => {});
        return leave();
      }
      if (said.error == FINAL[0]) emit("reauth", said); // the session stays open for its known networks
      // A refusal of a firewall does not end the session.
      if (isOpaque ? said.error != "invalid_token" : !said.terminal) throw backOff(failed(answer));
      // Another tab may have replaced the cookies since the first refresh.
      if (inBody || !said.sid || isSecond) return leave();
      isSecond = true;
    }
  };

  const refresh = () => flight ||= refreshOnce().finally(() => flight = 0);

  // Returns a token that is valid for some time, or nothing if no user is signed in.
  const fresh = async () => {
    sync();
    const old = token;
    if (old && old.age() < old.life * .9) return old;
    try {
      return await refresh();
    } catch (e) {
      if (old && old == token && old.age() < old.life) return old;
      throw e;
    }
  };

  // change sends a request that opens or ends a session.
  const change = async (path, body, hasToken, isSecond) => {
    const access = hasToken && await fresh(), was = load(), isLogout = path == "logout";
    tell({isHold: true});
    hold();
    let answer;
    try {
      if (!inBody && !isLogout) save(null); // until the answer arrives, the cookies may be of either session
      answer = await send(path, body, new AbortController(), access?.value);
      if (answer.isLate) throw failed({said: {error: "late"}});
      if (answer.ok) isLogout ? save({}) : accept(answer, was, path == "reauth" ? was?.sid : undefined);
      else if (answer.status < 500) save(was);
    } finally {
      free();
      tellRecord();
    }
    if (answer.ok) return isLogout ? undefined : token.answer;
    if (access && !isSecond && answer.said.error == "invalid_token" && await refresh()) return change(path, body, hasToken, true);
    throw failed(answer);
  };

  const fetchWith = async (input, init) => {
    const request = new Request(input, init), name = request.method + request.url;
    if (!apis.some((api) => request.url.startsWith(api))) return fetch(request);
    for (let used = await fresh(), isSecond; ; isSecond = true) {
      const copy = new Request(request.clone(), used && !hasBearer ? {credentials: "include"} : {});
      if (used && hasBearer) copy.headers.set("Authorization", "Bearer " + used.value);
      const answer = await fetch(copy);
      if (!used || !isRefusal(answer.status)) return answer;
      const said = await answer.clone().json().catch(() => {});
      if (said?.error == FINAL[0]) emit("reauth", said);
      if (isSecond) refused.add(name);
      if (FINAL.includes(said?.error) || refused.has(name) || used.isForced && used.age() < YOUNG) return answer;
      if (!token || token == used) {
        const next = await refresh().catch(() => {});
        if (!next) return answer;
        next.isForced = true;
      }
      used = token;
    }
  };

  const ask = async (path, method) => {
    const answer = await fetchWith(base + "sessions" + path, {method}), said = await answer.json().catch(() => ({}));
    if (!answer.ok) throw failed({status: answer.status, said});
    return said;
  };

  const logout = async () => {
    const record = load();
    if (!inBody || record?.token) return change("logout", inBody ? {refresh_token: record.token} : {});
  };

  const signIn = (fields) => ({delivery, device_delivery: inBody ? undefined : "cookie", ...fields});

  try {
    if (isShared) (channel = new BroadcastChannel(key)).onmessage = hear;
  } catch {} // Firefox refuses it if it blocks storage
  globalThis.addEventListener?.("storage", hear, disposed);
  for (const type of ["online", "pageshow"]) {
    globalThis.addEventListener?.(type, () => {
      failure = 0;
      sync();
    }, disposed);
  }

  return {
    login: (fields) => change("login", signIn(fields)),
    reauth: (fields) => change("reauth", signIn(fields), true),
    password: (fields) => change("password", signIn(fields), !fields.change_token),
    verify: (fields) => change("code/verify", signIn(fields)),
    async code(fields) {
      const answer = await send("code", signIn(fields), new AbortController());
      if (!answer.ok) throw failed(answer);
      return answer.said;
    },
    delivery,
    logout,
    fetch: fetchWith,
    async session({adopt} = {}) {
      if (adopt && !inBody) save(null);
      return (await fresh())?.answer || null;
    },
    sessions: {
      async list() {
        const all = [];
        for (let after = ""; after != null; ) {
          const said = await ask("?after=" + encodeURIComponent(after));
          all.push(...said.sessions);
          after = said.next;
        }
        return all;
      },
      end: (sid) => sid == known ? logout() : ask("/" + encodeURIComponent(sid), "DELETE"),
      async others() {
        await ask("", "DELETE");
        token = 0; // it was issued before the end of the other sessions
      },
    },
    on(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    dispose() {
      disposed.abort();
      stop?.abort();
      listeners.clear();
      if (channel) channel.close();
    },
  };
};
