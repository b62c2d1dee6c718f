// wire.js watches the requests of this page. It replaces the fetch that edgeauth.js calls, so the
// page shows the client's own requests, and can lose an answer.

// quiet is the fetch of the browser, for what the page does for itself.
export const quiet = fetch.bind(globalThis);
const encoder = new TextEncoder();
const size = (text) => encoder.encode(text).length;

export const wire = {
  delivery: "body",
  dropNext: false, // loses the answer of the next refresh
  told: () => {}, // is called with each entry, once it has its answer
};

// shorten makes a token recognizable, but not usable: a screenshot of the page opens no session.
export const shorten = (text) => text.length > 40 ? `${text.slice(0, 6)}…${text.slice(-6)}` : text;

const hidden = (name, value) => {
  if (/password$/.test(name)) return "•••";
  if (/token$|^auth_session$/.test(name) && typeof value == "string") return `${shorten(value)} (${value.length} characters)`;
  return value;
};

const parse = (text) => {
  try {
    return JSON.parse(text);
  } catch {}
};

// readable is a body as the page shows it.
const readable = (text) => {
  const parsed = parse(text);
  return parsed ? JSON.stringify(parsed, hidden, 2) : text;
};

globalThis.fetch = async (input, init) => {
  const request = new Request(input, init);
  const body = await request.clone().text();
  request.headers.set("Edgeauth-Measure", "1"); // the local server answers with the bytes of tokens
  const entry = {
    at: new Date(), start: performance.now(), method: request.method, path: new URL(request.url).pathname, delivery: wire.delivery,
    asked: parse(body) || {}, said: {}, request: readable(body), sent: {body: size(body)}, got: {},
  };
  try {
    const answer = await quiet(request);
    const text = await answer.clone().text(), counts = (name) => parse(answer.headers.get(name)) || {};
    Object.assign(entry, {status: answer.status, ok: answer.ok, said: parse(text) || {}, answer: readable(text)});
    Object.assign(entry.sent, counts("Edgeauth-Received"));
    Object.assign(entry.got, {body: size(text), ...counts("Edgeauth-Set")});
    if (wire.dropNext && entry.path.endsWith("/auth/refresh")) {
      wire.dropNext = false;
      entry.isDropped = true;
      throw new TypeError("the page has dropped the answer");
    }
    return answer;
  } catch (error) {
    entry.error = error;
    throw error;
  } finally {
    wire.told(entry);
  }
};
