// Sign-up, login and password reset with a code by mail, for edgeauth.js. docs/browser.md of the
// repository gives the reason for each rule.

const KEY = "edgeauth flows";

const over = () => Object.assign(new Error("invalid_session"), {error: "invalid_session"});

export const createAccount = (auth, onLink) => {
  const hasCookie = auth.delivery != "body"; // with it, other pages of this browser can continue a flow
  let flow;

  // The flows that this browser has begun, by reference. They contain no secret: the
  // auth_session is in a cookie that no script can read.
  const load = () => {
    try {
      return Object.fromEntries(Object.entries(JSON.parse(localStorage.getItem(KEY))).filter(([, {until}]) => until > Date.now()));
    } catch {
      return {};
    }
  };

  const store = (change) => {
    const flows = load();
    change(flows);
    try {
      localStorage.setItem(KEY, JSON.stringify(flows));
      sessionStorage.setItem(KEY, flow?.reference || ""); // a copy of the tab continues the same flow
    } catch {} // without storage, a flow ends with its page
  };

  const find = (reference) => flow?.reference == reference ? flow : hasCookie ? load()[reference] : undefined;

  const forget = (used) => {
    if (flow == used) flow = undefined;
    store((flows) => delete flows[used.reference]);
  };

  const begin = async (purpose, email, more) => {
    const {auth_session, ...said} = await auth.code({...more, purpose, email});
    const told = flow = {purpose, email, ...said, until: Date.now() + said.expires_in * 1e3};
    if (hasCookie) store((flows) => flows[said.reference] = told);
    flow = {...told, auth_session, more};
    return told;
  };

  // The address and the history must not keep a code, so it is removed before anything else. The
  // page gets the code only if this browser has begun the flow. The page shows the code, and the
  // user sends it: mail scanners also open links.
  const follow = () => {
    const [isLink, code, reference] = /^#code=(\d{8})?(?:&ref=([A-Z]{4}))?/.exec(location.hash) || [];
    if (isLink == undefined) return;
    history.replaceState(history.state, "", location.pathname + location.search);
    const found = code && reference && find(reference);
    if (found) flow = found;
    queueMicrotask(() => onLink?.({reference, code: found && code}));
  };

  try {
    flow = find(sessionStorage.getItem(KEY)); // after a reload
  } catch {}
  follow();
  addEventListener("hashchange", follow);

  return {
    begin,
    async resend() {
      if (!flow) throw over();
      return begin(flow.purpose, flow.email, flow.more);
    },
    async verify(code, {newPassword, ...more} = {}) {
      const used = flow;
      if (!used) throw over();
      const {auth_session, reference} = used;
      try {
        const session = await auth.verify({...(auth_session ? {auth_session} : {reference}), code: code || undefined, new_password: newPassword, ...more});
        forget(used);
        return session;
      } catch (e) {
        if (e.error == "invalid_session") forget(used);
        throw e;
      }
    },
    get flow() {
      if (!flow) return null;
      const {auth_session, more, ...told} = flow;
      return told;
    },
    cancel() {
      if (flow) forget(flow);
    },
    dispose() {
      removeEventListener("hashchange", follow);
    },
  };
};
