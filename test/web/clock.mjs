// A clock that tests drive, a browser's storage and channels for several tabs, and a server whose
// answers a test defines. Only rules that depend on time are tested with them; all other rules are
// tested in Chromium against the real server.
import {createAuth} from "../../web/edgeauth.js";

export const base = "https://api.example.com";

// World is one browser. Its clock replaces that of Node until end is called.
export class World {
  constructor() {
    this.now = 0; // what performance.now returns, in milliseconds
    this.wall = 1.8e12; // what Date.now returns
    this.timers = [];
    this.sent = []; // every request, in order
    this.storage = new Map();
    this.channels = new Set();
    this.listeners = []; // of the event "storage"
    this.answer = () => json(500, {error: "server_error"});
    this.replaced = new Map();
    const replace = (owner, name, value) => {
      this.replaced.set([owner, name], Object.getOwnPropertyDescriptor(owner, name));
      Object.defineProperty(owner, name, {value, configurable: true, writable: true});
    };
    const world = this;
    const at = (callback, delay) => {
      const timer = {at: this.now + delay, callback};
      this.timers.push(timer);
      return timer;
    };
    replace(Date, "now", () => this.wall);
    replace(performance, "now", () => this.now);
    replace(globalThis, "setTimeout", at);
    replace(globalThis, "clearTimeout", (timer) => this.timers = this.timers.filter((other) => other != timer));
    replace(AbortSignal, "timeout", (delay) => {
      const stop = new AbortController();
      at(() => stop.abort(new DOMException("timed out", "TimeoutError")), delay);
      return stop.signal;
    });
    replace(globalThis, "localStorage", {
      getItem: (key) => this.storage.get(key) ?? null,
      setItem: (key, value) => {
        if (this.isFull) throw new DOMException("full", "QuotaExceededError");
        this.storage.set(key, value);
      },
      removeItem: (key) => void this.storage.delete(key),
    });
    replace(globalThis, "addEventListener", (type, listener, {signal}) => {
      if (type == "storage") this.listeners.push((event) => signal.aborted || listener(event));
    });
    replace(globalThis, "BroadcastChannel", class {
      constructor(name) {
        this.name = name;
        world.channels.add(this);
      }
      postMessage(data) {
        for (const other of world.channels) if (other != this && other.name == this.name) queueMicrotask(() => other.onmessage?.({data}));
      }
      close() {
        world.channels.delete(this);
      }
    });
    replace(globalThis, "fetch", async (input, init) => {
      const request = new Request(input, init), text = await request.clone().text();
      const sent = {
        method: request.method, url: request.url, path: new URL(request.url).pathname, authorization: request.headers.get("Authorization"),
        credentials: request.credentials, body: text && JSON.parse(text), at: this.now, isAborted: false,
      };
      this.sent.push(sent);
      return new Promise((resolve, reject) => {
        request.signal.addEventListener("abort", () => {
          sent.isAborted = true;
          reject(request.signal.reason);
        });
        Promise.resolve(this.answer(sent)).then(resolve, reject);
      });
    });
  }

  // tab opens a page with a client.
  tab(options) {
    const tab = createAuth({base, ...options});
    tab.told = [];
    tab.on((type) => tab.told.push(type));
    return tab;
  }

  // pass lets time pass, and each timer runs when it is due. With asleep, the monotonic clock stands still.
  async pass(milliseconds, {asleep} = {}) {
    await settle();
    this.wall += milliseconds;
    if (!asleep) this.now += milliseconds;
    for (const timer of this.timers.filter(({at}) => at <= this.now)) timer.callback();
    this.timers = this.timers.filter(({at}) => at > this.now);
    await settle();
  }

  // count is the number of requests for a path.
  count(path) {
    return this.sent.filter((sent) => sent.path == path).length;
  }

  end() {
    for (const [[owner, name], before] of this.replaced) before ? Object.defineProperty(owner, name, before) : delete owner[name];
  }
}

const realTurn = setImmediate;

// settle waits until every promise that can continue has continued.
export const settle = async () => {
  for (let i = 0; i < 20; i++) await new Promise((done) => realTurn(done));
};

export const json = (status, body, headers) => new Response(JSON.stringify(body), {status, headers: {"Content-Type": "application/json", ...headers}});

let issued = 0;

// grant is an answer with tokens.
export const grant = (sid, more) => json(200, {
  sid, access_token: "access-" + ++issued, token_type: "Bearer", expires_in: 900, refresh_token: "refresh-" + issued, store_within: 45, ...more,
});

// later is an answer that the test sends at a chosen time.
export const later = () => {
  const answer = {};
  answer.promise = new Promise((send) => answer.send = send);
  return answer;
};
