export interface ServerOptions {
  /** The address of the edgeauth API, as this server reaches it. With http, it must be `edgeauth dev` without TLS. */
  base: string;
  /**
   * The origin of this server's pages, as browsers write it: `https://app.example.com`. It must be
   * in `origins` of the configuration.
   */
  origin: string;
  /** The client of the configuration. Default: `default`. */
  clientId?: string;
}

/** The calls of the API for one request of a browser. */
export interface ServerAuth {
  /**
   * The values of `Set-Cookie` that the browser must get, one header for each. Send them before you
   * render: a late cookie may be out of date.
   */
  readonly cookies: string[];
  /**
   * Replaces the access token if it is about to end, at most once for the request. Resolves to
   * whether the user seems to be signed in; only the API knows for certain. Call it in the proxy or
   * the middleware, never in a component: when a component runs, the headers of the answer may
   * already be sent. It rejects if the API decided nothing: answer 503.
   */
  refresh(): Promise<boolean>;
  /**
   * Calls a path of the API with the cookies of the browser, for at most 10 seconds. A request that changes something
   * carries the browser's own `Origin` and `Sec-Fetch-Site`. Redirects are not followed.
   */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /**
   * Returns the page to send instead of a redirect to the login page, or undefined if the redirect
   * is right. After a link from another site, a browser does not send `Strict` cookies; the page
   * reloads itself once. Call it before you send `cookies`.
   */
  reload(): string | undefined;
}

/**
 * For servers that render pages. Pass the headers and the method of each request of a browser; Node's own are
 * `new Headers(request.headers)`.
 */
export function createServerAuth(options: ServerOptions): (
  headers: {get(name: string): string | null},
  method: string,
) => ServerAuth;
