/** Where the tokens are stored: in JavaScript, or in cookies that scripts cannot read. */
export type Delivery = "body" | "cookie" | "cookies" | "session";

export interface Options {
  /** The address of the edgeauth API. Default: the origin of the page. */
  base?: string;
  /**
   * - `body` (default): both tokens are in memory.
   * - `cookie`: the refresh token is in a cookie, the access token in memory.
   * - `cookies`: both are in cookies; JavaScript has no token.
   * - `session`: one opaque cookie; JavaScript has no token, and nothing is refreshed.
   */
  delivery?: Delivery;
  /** The client of the configuration. Default: `default`. */
  clientId?: string;
  /**
   * The addresses whose requests get the access token, or the cookies. A path is a prefix of whole
   * segments. Default: `base`. No other address ever gets a token.
   */
  apis?: string[];
  /**
   * In `body` delivery, keeps the refresh token in localStorage, so that a reload and other tabs have the session.
   * Every script of the origin can read it there. Default: false.
   */
  persist?: boolean;
}

/** The session as the server last reported it, without its tokens. */
export interface Session {
  /** The id of the session, the same as in the list. */
  sid: string;
  /** Seconds from the request until the access token ends. */
  expires_in?: number;
  /** Seconds from the request until the session ends if it is not used. */
  refresh_expires_in?: number;
  /** Seconds from the request until the session ends in any case. */
  session_expires_in?: number;
  /** The names in the scope, separated by spaces. */
  scope?: string;
  /** In `body` delivery after a login on a new device: keep it, and pass it to the next login. */
  device_token?: string;
  [member: string]: unknown;
}

/** A session in the list of the user. */
export interface SessionEntry {
  sid: string;
  current: boolean;
  label?: string;
  user_agent?: string;
  address?: string;
  client_id?: string;
  kind?: string;
  amr?: string[];
  created_at: string;
  last_seen_at: string;
  idle_ends_at?: string;
  ends_at: string;
  [member: string]: unknown;
}

/** A refusal of the server. A network error is a TypeError, and a timeout an AbortError, as fetch throws them. */
export interface AuthError extends Error {
  /** The code, for example `invalid_credentials`. `late` means that an answer came too late to be stored. */
  error?: string;
  status?: number;
  error_description?: string;
  request_id?: string;
  /** The value of the header Retry-After, in seconds. */
  retryAfter?: string | null;
  /** With `password_change_required`: pass it to `password`. */
  change_token?: string;
  [member: string]: unknown;
}

/** Additional fields for a step of the deployment, such as `one_time_code`. */
export interface StepFields {
  device_token?: string;
  one_time_code?: string;
  [field: string]: string | undefined;
}

export interface LoginFields {
  email: string;
  password: string;
  /** With cookies, false: they end when the browser is closed. Default: true. */
  remember?: boolean;
  device_token?: string;
  one_time_code?: string;
  [field: string]: string | boolean | undefined;
}

export interface ReauthFields extends StepFields {
  password: string;
}

export interface PasswordFields extends StepFields {
  new_password: string;
  /** The present password, of a user who is signed in. */
  current_password?: string;
  /** The `change_token` of a login that was refused with `password_change_required`. */
  change_token?: string;
}

/** The purpose of a code by mail. */
export type CodePurpose = "signup" | "login" | "reset";

/** The answer to a request for a code. `edgeauth-account.js` keeps it. */
export interface CodeSent {
  auth_session: string;
  reference: string;
  expires_in: number;
  resend_after: number;
}

/** One of `auth_session` and `reference` names the flow. */
export interface VerifyFields extends StepFields {
  auth_session?: string;
  reference?: string;
  code?: string;
  new_password?: string;
}

/**
 * Every tab gets `signed-in` and `signed-out`; a step-up counts as a sign-in. `reauth` means that a
 * request needs a recent login: ask for the password, call `reauth`, and send the request again.
 * Its detail is the body of the refusal.
 */
export type Listener = (type: "signed-in" | "signed-out" | "reauth", detail?: {max_age?: number; [member: string]: unknown}) => void;

export interface Auth {
  /** Opens a session. Rejects with an AuthError. */
  login(fields: LoginFields): Promise<Session>;
  /** Ends the session in all tabs. If it rejects, the session has not changed. */
  logout(): Promise<void>;
  /**
   * Resolves to the session, or to null if no user is signed in. After a reload, it asks the
   * server. It rejects if the server cannot be reached, because it is then unknown whether a user
   * is signed in. `adopt` takes over the session of cookies that another program has set, for
   * example a server at the end of a redirect.
   */
  session(options?: {adopt?: boolean}): Promise<Session | null>;
  /**
   * The fetch of the browser, with the access token or the cookies for listed addresses. If the token was refused, it
   * refreshes and sends the request once more.
   */
  fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response>;
  /** Proves the password again (step-up). It opens a session that replaces the current one. */
  reauth(fields: ReauthFields): Promise<Session>;
  /** Changes the password. All sessions of the user end, and a new session is opened. */
  password(fields: PasswordFields): Promise<Session>;
  /** Requests a code by mail. `createAccount` of `edgeauth-account.js` calls it. */
  code(fields: StepFields & {purpose: CodePurpose; email: string}): Promise<CodeSent>;
  /** Sends a code and opens a session, like `login`. `createAccount` of `edgeauth-account.js` calls it. */
  verify(fields: VerifyFields): Promise<Session>;
  /** The delivery of the options. */
  readonly delivery: Delivery;
  sessions: {
    /** All open sessions of the user. */
    list(): Promise<SessionEntry[]>;
    /** Ends one session. For the current session it does the same as `logout`. To end another session, the user must have logged in within the last 10 minutes: see `reauth`. */
    end(sid: string): Promise<unknown>;
    /** Ends all sessions except the current one. The user must have logged in within the last 10 minutes: see `reauth`. */
    others(): Promise<void>;
  };
  /** Calls a listener for each event. Returns a function that removes the listener. */
  on(listener: Listener): () => void;
  /** Stops the client, and removes all its listeners. The session stays open. */
  dispose(): void;
}

/** A client of one edgeauth API. It keeps working in several tabs, and several may exist in one. */
export function createAuth(options?: Options): Auth;
