// SPDX-License-Identifier: BSD-3-Clause
import type { Page, Problem, Session } from "./types";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** What goes into an address behind the `?`; what is null or undefined is left out. */
export type Query = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Asked {
  readonly query?: Query;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Ends the call before its time; it then fails with the signal's reason. */
  readonly signal?: AbortSignal;
  /** How long the server may take, in milliseconds. */
  readonly patience?: number;
}

/** How long the server may take to answer, in milliseconds. */
const PATIENCE = 15_000;
/** Where the API is, seen from the page. */
const ROOT = "api/v1";

/** These prove who asks, or change it: that they are refused says nothing of the session. */
const OF_SESSIONS: ReadonlySet<string> = new Set(["POST session", "PUT session", "DELETE session", "POST setup"]);

/**
 * The API refused a call, or did not answer it.
 *
 * Codes that are made here: `unreachable`, `timeout`, and `no_api` where something answers that is
 * no API of ours. All others are the server's.
 */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    /** Stable: the page has words for it, see `words/problem.ts`. */
    readonly code: string,
    /** Of HTTP; 0 where there was no answer. */
    readonly status: number,
    /** The server's own words; may be empty. */
    readonly detail = "",
    /** After how many seconds it is worth asking again, where the server says so. */
    readonly retryAfter: number | null = null,
  ) {
    super(`${code} (${status})`);
  }
}

/** What the client needs of the browser. */
export interface Surroundings {
  fetch(address: string, options: RequestInit): Promise<Response>;
  /** A signal that ends after so many milliseconds. */
  timeout(milliseconds: number): AbortSignal;
  /** Milliseconds of the time of day. */
  now(): number;
  /** Does something while no other tab of this page does it. */
  alone<T>(act: () => Promise<T>): Promise<T>;
  /** When any tab last renewed the session, in milliseconds; 0 if none did. */
  renewedAt(): number;
  renewed(at: number): void;
}

/** Speaks to the API of the server that the page came from. */
export class Client {
  private renewing: Promise<boolean> | null = null;
  private aheadBy = 0;

  /** Called when the session was renewed, and with null when it is over for good. */
  renewed: (session: Session | null) => void = () => undefined;

  constructor(
    private readonly surroundings: Surroundings,
    private readonly root = ROOT,
  ) {}

  /** The server's clock minus this machine's, in seconds; exact to about one. */
  get ahead(): number {
    return this.aheadBy;
  }

  /**
   * What the server answers to a call; `undefined` where it answers nothing.
   *
   * `path` is without a slash at its beginning; its parts are to be encoded (see `at`). Where the
   * session has run out it is renewed once, for all calls that wait, and the call is made again.
   * Throws an ApiError, or the reason of the signal.
   */
  async call<T>(method: Method, path: string, asked: Asked = {}): Promise<T> {
    const began = this.surroundings.now();
    try {
      return await this.once<T>(method, path, asked);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401 || OF_SESSIONS.has(`${method} ${path}`)) throw error;
      if (!(await this.renew(began))) throw error;
      return await this.once<T>(method, path, asked);
    }
  }

  /**
   * Renew the session, unless that was done after `since` (also by another tab); whether there is one.
   *
   * Throws an ApiError where the server cannot be asked.
   */
  async renew(since = this.surroundings.now()): Promise<boolean> {
    this.renewing ??= this.surroundings
      .alone(async () => {
        if (this.surroundings.renewedAt() >= since) return true;
        const session = await this.renewal();
        this.renewed(session);
        if (session !== null) this.surroundings.renewed(this.surroundings.now());
        return session !== null;
      })
      .finally(() => {
        this.renewing = null;
      });
    return await this.renewing;
  }

  private async renewal(): Promise<Session | null> {
    try {
      return await this.once<Session>("PUT", "session", {});
    } catch (error) {
      if (error instanceof ApiError && (error.status === 401 || error.status === 403)) return null;
      throw error;
    }
  }

  private async once<T>(method: Method, path: string, { query, body, signal, patience = PATIENCE }: Asked): Promise<T> {
    const headers: Record<string, string> = { Accept: "application/json, application/problem+json" };
    if (method !== "GET") headers["Pyaiot-Request"] = "1";
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const late = this.surroundings.timeout(patience);
    let answer: Response;
    let text: string;
    try {
      answer = await this.surroundings.fetch(`${this.root}/${path}${queryText(query)}`, {
        method,
        headers,
        body: body === undefined ? null : JSON.stringify(body),
        credentials: "same-origin",
        // What has not changed is not sent again; but it is asked for.
        cache: "no-cache",
        redirect: "error",
        signal: signal === undefined ? late : AbortSignal.any([signal, late]),
      });
      text = await answer.text();
    } catch {
      signal?.throwIfAborted();
      throw new ApiError(late.aborted ? "timeout" : "unreachable", 0);
    }
    const date = Date.parse(answer.headers.get("Date") ?? "");
    if (!Number.isNaN(date)) this.aheadBy = (date - this.surroundings.now()) / 1000;
    if (!answer.ok) throw problemOf(answer, text);
    if (text === "") return undefined as T;
    const content = jsonOf(text);
    if (content === undefined) throw new ApiError("no_api", answer.status);
    return content as T;
  }
}

/** A path of parts that may hold any letter. */
export function at(...parts: readonly string[]): string {
  return parts.map(encodeURIComponent).join("/");
}

function queryText(query: Query = {}): string {
  const said = Object.entries(query).filter(([, value]) => value !== null && value !== undefined);
  const text = new URLSearchParams(said.map(([name, value]) => [name, String(value)])).toString();
  return text === "" ? "" : `?${text}`;
}

function problemOf(answer: Response, text: string): ApiError {
  const content = jsonOf(text);
  if (!isProblem(content)) {
    // A server of ours says what is wrong; one that knows no API, or a proxy before it, does not.
    return new ApiError(answer.status >= 500 ? "unreachable" : "no_api", answer.status);
  }
  const after = Number(answer.headers.get("Retry-After") ?? "");
  return new ApiError(content.code, answer.status, content.detail ?? content.title, after > 0 ? after : null);
}

function isProblem(content: unknown): content is Problem {
  return typeof content === "object" && content !== null && "code" in content && typeof content.code === "string";
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** All items of a list that comes in pages, `most` of them. */
export async function all<T>(client: Client, path: string, asked: Asked = {}, most = 10_000): Promise<readonly T[]> {
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<T> = await client.call("GET", path, { ...asked, query: { limit: 1000, ...asked.query, cursor } });
    items.push(...page.items);
    cursor = page.next;
  } while (cursor !== null && items.length < most);
  return items;
}
