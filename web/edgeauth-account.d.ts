import type {Auth, CodePurpose, Session, StepFields} from "./edgeauth.js";

/** A flow that waits for the code of its mail. */
export interface Flow {
  purpose: CodePurpose;
  email: string;
  /** Four letters. Show them beside the field for the code: the mail has the same letters. */
  reference: string;
  /** Seconds from the request until the code ends. */
  expires_in: number;
  /** Seconds from the request after which the page may offer to send another code. */
  resend_after: number;
  /** When the code ends, by the clock of this machine, in milliseconds since 1970. */
  until: number;
}

/** The contents of the link in a mail. */
export interface Link {
  /** Undefined if the link is not complete. */
  reference?: string;
  /**
   * The code, if the flow began here: in this page, or with cookies in this browser. Fill the code
   * in, and let the user send it. If it is undefined, tell the user to type the code where the flow
   * began.
   */
  code?: string;
}

export interface CodeFields {
  /** For a sign-up and a reset. */
  newPassword?: string;
  /** With cookies, false: they end when the browser is closed. Default: true. */
  remember?: boolean;
  device_token?: string;
  one_time_code?: string;
  [field: string]: string | boolean | undefined;
}

export interface Account {
  /**
   * Sends a code by mail. It never tells whether the address has an account. Other fields are sent as they are, for
   * example `invite`. Rejects with an AuthError.
   */
  begin(purpose: CodePurpose, email: string, fields?: StepFields): Promise<Flow>;
  /**
   * Requests another code for the same address. The code belongs to a new flow, with a new
   * reference. After a reload, the additional fields of `begin` are not sent again.
   */
  resend(): Promise<Flow>;
  /**
   * Sends the code, and signs the user in. Rejects with an AuthError: `invalid_code` has
   * `tries_left`; `invalid_session` means that the flow has ended. If a step asks for more, the
   * next call may have an empty code.
   */
  verify(code: string, fields?: CodeFields): Promise<Session>;
  /** The flow of this tab, or null. With cookies it survives a reload. */
  readonly flow: Flow | null;
  /** Forgets the flow of this tab. */
  cancel(): void;
  /** Stops watching the address of the page. */
  dispose(): void;
}

/**
 * Signs up, logs in and resets passwords by a code, for the session of `auth`. If the page was opened by the link of a
 * mail, it removes the code from the address at once and calls `onLink`. It never sends a code by itself.
 */
export function createAccount(auth: Auth, onLink?: (link: Link) => void): Account;
