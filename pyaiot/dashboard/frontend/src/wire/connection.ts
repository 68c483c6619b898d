// SPDX-License-Identifier: BSD-3-Clause
import { Backoff } from "./backoff";
import { decode } from "./decode";
import type { FromPage, ToPage } from "./messages";

/** Why there is no connection. */
export type Why =
  | { readonly kind: "unreachable" }
  /** Something answers there, but it does not let this page in; browsers do not tell the reason. */
  | { readonly kind: "refused" }
  /** The same, though somebody vouched for the user. */
  | { readonly kind: "doubted" }
  /** Whoever vouches for the user at the broker does not answer. */
  | { readonly kind: "unvouched" }
  | { readonly kind: "closed"; readonly reason: string }
  /** Nothing came for a while, and nobody answers any more. */
  | { readonly kind: "silent" };

export type Link =
  | { readonly phase: "connecting"; readonly why: Why | null }
  | { readonly phase: "live" }
  /** `retryAt` is on the clock of `Surroundings.now`. */
  | { readonly phase: "waiting"; readonly why: Why; readonly retryAt: number };

export interface Addresses {
  /** The broker's websocket. */
  readonly socket: string;
  /** A page of the broker that anybody may ask for, to learn whether the broker is there at all. */
  readonly health: string;
}

export interface Events {
  linked(link: Link): void;
  received(messages: readonly ToPage[]): void;
}

export type Socket = Pick<
  WebSocket,
  "bufferedAmount" | "close" | "onclose" | "onmessage" | "onopen" | "send"
>;

/** What the connection needs of the browser. */
export interface Surroundings {
  /** `ticket` tells the broker who comes; null for a stranger. */
  open(address: string, ticket: string | null): Socket;
  /** A ticket for one connection; null at once for a stranger. */
  ticket(): Promise<string | null> | null;
  /** Whether anything answers at this address, whatever it says. */
  answers(address: string): Promise<boolean>;
  /** Milliseconds on a clock that never jumps. */
  now(): number;
  random(): number;
  /** Calls back once, unless the function that it returns was called before. */
  after(milliseconds: number, callback: () => void): () => void;
}

const HELLO: FromPage = {
  type: "new",
  data: "client",
  features: ["snapshot", "batch", "availability", "result", "names", "alerts"],
};

/** A broker that takes longer than this to open the connection is not there, in milliseconds. */
const OPENING = 10_000;
/** A connection that lasted this long was a good one: the next failure starts over. */
const SETTLED = 10_000;
/** Silence after which it is worth asking whether the broker is still there. */
const SILENCE = 25_000;

/** A connection to the broker that comes back whenever it is lost. */
export class Connection {
  private readonly backoff: Backoff;
  private socket: Socket | null = null;
  private cancelTimer = (): void => undefined;
  private link: Link = { phase: "connecting", why: null };
  private openedAt = 0;
  /** Counts attempts to connect: what one of them waited for is of no use to the next. */
  private attempt = 0;
  private heardAt = 0;
  /** Whether the broker's health page ever answered; if not, its silence proves nothing. */
  private answered = false;

  constructor(
    private readonly addresses: Addresses,
    private readonly events: Events,
    private readonly surroundings: Surroundings,
  ) {
    this.backoff = new Backoff(() => surroundings.random());
  }

  /** Connect now, whether or not an attempt was already waiting. */
  connect(): void {
    this.drop();
    this.become({ phase: "connecting", why: this.link.phase === "waiting" ? this.link.why : null });
    this.startTimer(OPENING, () => {
      this.lost({ kind: "unreachable" });
    });
    const { attempt } = this;
    const ticket = this.surroundings.ticket();
    if (ticket === null) this.open(null);
    else {
      ticket.then(
        (had) => {
          if (attempt === this.attempt) this.open(had);
        },
        () => {
          if (attempt === this.attempt) this.lost({ kind: "unvouched" });
        },
      );
    }
  }

  /** End the connection until `connect` is called. */
  close(): void {
    this.drop();
    this.become({ phase: "connecting", why: null });
  }

  /** Something happened (network back, machine woke up) that makes trying again worth while. */
  wake(): void {
    if (this.link.phase === "waiting") this.connect();
    else if (this.link.phase === "live") void this.examine(true);
  }

  /** The connection cannot be trusted any more (the machine slept): start a new one. */
  renew(): void {
    if (this.link.phase === "live") this.connect();
    else this.wake();
  }

  /** False if there is no connection to send on. */
  send(message: FromPage): boolean {
    if (this.link.phase !== "live" || this.socket === null) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  /** Whether all that was sent has left the page. */
  get drained(): boolean {
    return this.socket?.bufferedAmount === 0;
  }

  private open(ticket: string | null): void {
    const socket = this.surroundings.open(this.addresses.socket, ticket);
    this.socket = socket;
    socket.onopen = () => {
      this.opened(socket);
    };
    socket.onmessage = (event) => {
      this.heardAt = this.surroundings.now();
      if (typeof event.data === "string") this.events.received(decode(event.data));
    };
    socket.onclose = (event) => {
      void this.closed(event.reason, ticket !== null);
    };
  }

  private opened(socket: Socket): void {
    this.openedAt = this.heardAt = this.surroundings.now();
    socket.send(JSON.stringify(HELLO));
    this.become({ phase: "live" });
    void this.examine(false);
  }

  private async closed(reason: string, vouched: boolean): Promise<void> {
    if (this.link.phase === "live") {
      this.lost({ kind: "closed", reason });
      return;
    }
    const socket = this.socket;
    this.cancelTimer();
    const answers = await this.surroundings.answers(this.addresses.health);
    if (this.socket === socket) this.lost({ kind: answers ? (vouched ? "doubted" : "refused") : "unreachable" });
  }

  /** Ask whether the broker is there; without an answer, and if `act`, give the connection up. */
  private async examine(act: boolean): Promise<void> {
    const socket = this.socket;
    const answers = await this.surroundings.answers(this.addresses.health);
    if (this.socket !== socket || this.link.phase !== "live") return;
    if (act && !answers && this.answered) {
      this.lost({ kind: "silent" });
      return;
    }
    this.answered ||= answers;
    this.listen();
  }

  private listen(): void {
    const rest = this.heardAt + SILENCE - this.surroundings.now();
    this.startTimer(rest > 0 ? rest : SILENCE, () => {
      if (this.surroundings.now() - this.heardAt < SILENCE) this.listen();
      else void this.examine(true);
    });
  }

  private lost(why: Why): void {
    const now = this.surroundings.now();
    if (this.link.phase === "live" && now - this.openedAt >= SETTLED) this.backoff.reset();
    this.drop();
    const delay = this.backoff.next();
    this.become({ phase: "waiting", why, retryAt: now + delay });
    this.startTimer(delay, () => {
      this.connect();
    });
  }

  private drop(): void {
    this.attempt += 1;
    this.cancelTimer();
    if (this.socket === null) return;
    this.socket.onopen = this.socket.onmessage = this.socket.onclose = null;
    this.socket.close();
    this.socket = null;
  }

  private startTimer(milliseconds: number, callback: () => void): void {
    this.cancelTimer();
    this.cancelTimer = this.surroundings.after(milliseconds, callback);
  }

  private become(link: Link): void {
    this.link = link;
    this.events.linked(link);
  }
}
