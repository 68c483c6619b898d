// SPDX-License-Identifier: BSD-3-Clause
import { computed, shallowRef, type ShallowRef } from "vue";

import { client } from "./api/browser";
import { ApiError, type Client } from "./api/client";
import type { Login, Session, Setup, Ticket, User } from "./api/types";

/**
 * What is known of who sits before the page.
 *
 * `unknown`: the server has not been asked yet. `absent`: it knows no accounts (an older one, or
 * it does not answer): the page is as it was before there were any.
 */
export type Standing =
  | { readonly kind: "unknown" }
  | { readonly kind: "absent" }
  | { readonly kind: "here"; readonly session: Session };

/** What a keeper of the session needs of the browser. */
export interface Surroundings {
  /** Milliseconds of the time of day. */
  now(): number;
  /** Tell the other tabs that somebody came or went. */
  tell(): void;
  /** Call back when another tab told so. */
  told(callback: () => void): void;
  /** Whether somebody logged in here, and did not log out since. */
  remembered(): boolean;
  remember(somebody: boolean): void;
}

/** How long the page waits for the server to say who asks before it goes on, in milliseconds. */
const PATIENCE = 5_000;
/** The part of a ticket's life after which there is a newer one. */
const FRESH = 0.7;
/** How long to wait after a ticket could not be had, in milliseconds. */
const PAUSE = 10_000;

/** Knows who sits before the page, and vouches for them at the broker. */
export class SessionKeeper {
  readonly standing: ShallowRef<Standing> = shallowRef({ kind: "unknown" });
  /** Who is logged in; null for a stranger. */
  readonly user = computed((): User | null =>
    this.standing.value.kind === "here" ? this.standing.value.session.user : null,
  );
  readonly isAdmin = computed(() => this.user.value?.role === "admin");
  /** Whether the server knows accounts at all. */
  readonly present = computed(() => this.standing.value.kind === "here");
  /** Whether anybody has an account. */
  readonly accounts = computed(() => this.standing.value.kind === "here" && this.standing.value.session.accounts);
  /**
   * Whether there is nothing to see for a stranger.
   *
   * Before there are accounts the broker decides that: its operator may have said other than this server's.
   */
  readonly shut = computed(
    () =>
      this.standing.value.kind === "here" &&
      this.user.value === null &&
      this.standing.value.session.accounts &&
      this.standing.value.session.anonymous.length === 0,
  );
  /** Whether the server tells whoever is here anything of nodes. */
  readonly served = computed(
    () =>
      this.standing.value.kind === "here" &&
      (this.user.value !== null || this.standing.value.session.anonymous.length > 0),
  );
  /** Whether whoever is here may look after rules for alerts: their own, or those of nobody. */
  readonly keeps = computed(
    () =>
      this.standing.value.kind === "here" &&
      (this.user.value !== null || this.standing.value.session.anonymous.includes("control")),
  );
  /** Whether the session ended though nobody logged out. */
  readonly over = shallowRef(false);

  /** When there should be a newer ticket, in milliseconds; null without one. */
  private renewAt: number | null = null;
  private renewing = false;

  constructor(
    private readonly client: Client,
    private readonly surroundings: Surroundings,
  ) {
    client.renewed = (session) => {
      if (session !== null) this.enter(session);
      else this.lost();
    };
    surroundings.told(() => void this.look());
  }

  /** Ask the server who is here. Never fails: without an answer the page goes on as before. */
  async start(): Promise<void> {
    await this.look();
    if (this.standing.value.kind === "unknown") this.standing.value = { kind: "absent" };
  }

  /** Ask again; where there is no answer all stays as it was. */
  async look(): Promise<void> {
    try {
      const session = await this.client.call<Session>("GET", "session", { patience: PATIENCE });
      // The short proof ran out while the page was closed; the long one may still be good.
      if (session.user !== null || !this.surroundings.remembered() || !(await this.client.renew())) this.enter(session);
    } catch (error) {
      if (error instanceof ApiError && error.code === "no_api") this.standing.value = { kind: "absent" };
    }
  }

  /** Throws an ApiError where the password is wrong, or the server cannot be asked. */
  async login(name: string, password: string): Promise<void> {
    this.came(await this.client.call<Session>("POST", "session", { body: { name, password } satisfies Login }));
  }

  /** Make the first account, by the token of the link that the dashboard printed. */
  async setUp(token: string, name: string, password: string): Promise<void> {
    this.came(await this.client.call<Session>("POST", "setup", { body: { token, name, password } satisfies Setup }));
  }

  /** Log out, in all tabs. Throws an ApiError where the server cannot be told: one is still logged in then. */
  async logout(): Promise<void> {
    await this.client.call("DELETE", "session");
    this.left();
  }

  /** The server has ended this session already, for somebody asked for it. */
  left(): void {
    this.surroundings.remember(false);
    this.over.value = false;
    this.renewAt = null;
    const { value } = this.standing;
    if (value.kind === "here") this.standing.value = { kind: "here", session: { ...value.session, user: null, expires: null } };
    this.surroundings.tell();
  }

  /** The answer to whatever let somebody in: a login, or a new password. */
  came(session: Session): void {
    this.surroundings.remember(true);
    this.over.value = false;
    this.enter(session);
    this.surroundings.tell();
  }

  /** A new ticket for the broker; null at once for a stranger. Fails with an ApiError where it cannot be had. */
  ticket(): Promise<string | null> | null {
    return this.user.value === null ? null : this.ask();
  }

  /** Hand a newer ticket to `send` where it is time for that. Called again and again. */
  async keep(send: (token: string) => void): Promise<void> {
    if (this.user.value === null || this.renewAt === null || this.renewing) return;
    if (this.surroundings.now() < this.renewAt) return;
    this.renewing = true;
    try {
      // A ticket lives no longer than what it was had for.
      const token = (await this.client.renew()) ? await this.ask() : null;
      if (token !== null) send(token);
    } catch {
      this.renewAt = this.surroundings.now() + PAUSE;
    } finally {
      this.renewing = false;
    }
  }

  private async ask(): Promise<string | null> {
    try {
      const { token, expires } = await this.client.call<Ticket>("POST", "session/ticket");
      const now = this.surroundings.now();
      const life = expires * 1000 - (now + this.client.ahead * 1000);
      this.renewAt = now + Math.max(1_000, life * FRESH);
      return token;
    } catch (error) {
      // The session ended just now, and that was told: a stranger goes without.
      if (error instanceof ApiError && error.status === 401 && this.user.value === null) return null;
      throw error;
    }
  }

  private enter(session: Session): void {
    this.standing.value = { kind: "here", session };
    if (session.user !== null) this.over.value = false;
  }

  private lost(): void {
    const { value } = this.standing;
    this.surroundings.remember(false);
    this.renewAt = null;
    if (value.kind !== "here" || value.session.user === null) return;
    this.over.value = true;
    this.standing.value = { kind: "here", session: { ...value.session, user: null, expires: null } };
  }
}

/** Under this name tabs talk of the session, and the browser keeps whether there is one. */
const NAME = "pyaiot-session";
const channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(NAME);

const browser: Surroundings = {
  now: () => Date.now(),

  tell() {
    channel?.postMessage("changed");
  },

  told(callback) {
    channel?.addEventListener("message", callback);
  },

  remembered() {
    try {
      return localStorage.getItem(NAME) !== null;
    } catch {
      return true;
    }
  },

  remember(somebody) {
    try {
      if (somebody) localStorage.setItem(NAME, "1");
      else localStorage.removeItem(NAME);
    } catch {
      // Somebody forbade it: the server is then asked each time.
    }
  },
};

/** The one session of this page. */
export const session = new SessionKeeper(client, browser);
