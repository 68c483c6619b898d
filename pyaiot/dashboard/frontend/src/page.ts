// SPDX-License-Identifier: BSD-3-Clause
import { computed, inject, shallowRef, watch, type InjectionKey, type ShallowRef } from "vue";

import { alerts } from "./alerts";
import { StoredArchive } from "./api/archive";
import { client } from "./api/browser";
import { Frames } from "./frames";
import { Annals } from "./model/annals";
import { Memory } from "./model/memory";
import { COMMAND_TIMEOUT, reduce, type Happening } from "./model/reduce";
import { Tally } from "./model/tally";
import { NOTHING, type Moment, type State } from "./model/state";
import { Records } from "./people/records";
import { session } from "./session";
import { browser } from "./wire/browser";
import { Connection, type Addresses, type Link } from "./wire/connection";
import type { Permission } from "./wire/messages";

/** Clocks that drift this far apart in a second mean that the machine slept, in seconds. */
const SLEPT = 5;

function moment(): Moment {
  return { wall: Date.now() / 1000, steady: performance.now() / 1000 };
}

/** The page as widgets see it: the state, the connection, the time, and what one can do. */
export class Page {
  readonly state: ShallowRef<State> = shallowRef(NOTHING);
  readonly link: ShallowRef<Link> = shallowRef({ phase: "connecting", why: null });
  /** Ticks once a second. */
  readonly now: ShallowRef<Moment> = shallowRef(moment());
  // By itself, so that who asks for the time is not called for each message.
  private readonly ahead = computed(() => this.state.value.ahead);
  /** The time of day by the broker's clock, in seconds since the epoch; ticks once a second. */
  readonly present = computed(() => this.now.value.wall + this.ahead.value);

  /** Counts the times that the records of nodes have changed: what they are called, who may do what. */
  readonly changes: ShallowRef<number> = shallowRef(0);

  /** The course of each number since the page was opened; whoever draws it looks when the state changes. */
  readonly memory = new Memory();

  /** The same, and before it what the server has stored. */
  readonly annals = new Annals(this.memory, new StoredArchive(client), () => moment().steady);

  readonly tally = new Tally();

  private readonly connection: Connection;
  private readonly frames: Frames<Happening>;
  private readonly records = new Records(client);
  private orders = 0;

  constructor(readonly addresses: Addresses) {
    this.frames = new Frames((happenings) => {
      const now = moment();
      this.tally.frame(happenings.flatMap((each) => (each.type === "received" ? [each.messages] : [])));
      this.state.value = reduce(this.state.value, happenings, now);
      this.remember(happenings, now.wall + this.state.value.ahead);
      this.notice(happenings);
    });
    this.connection = new Connection(
      addresses,
      {
        linked: (link) => {
          if (link.phase === "live") {
            this.frames.add({ type: "opened" });
            // What was raised or cleared meanwhile, nobody has told this page.
            if (session.served.value) void alerts.load();
          } else if (this.link.value.phase === "live") this.frames.add({ type: "lost" });
          this.link.value = link;
        },
        received: (messages) => {
          if (messages.length > 0) this.frames.add({ type: "received", messages });
        },
      },
      { ...browser, ticket: () => session.ticket() },
    );
  }

  /** Connect, and follow the time and the fate of the network from now on. */
  start(): void {
    setInterval(() => {
      this.tick();
    }, 1000);
    for (const event of ["online", "offline"]) {
      window.addEventListener(event, () => {
        this.connection.wake();
      });
    }
    watch(
      // Who comes, as what, and whether anybody who comes so is let in.
      () => `${session.user.value?.id ?? ""} ${session.user.value?.role ?? ""} ${String(session.shut.value)}`,
      () => {
        this.changeHands();
      },
    );
    watch(
      () => this.state.value.roster,
      (roster) => {
        this.records.see(roster.keys());
      },
    );
    this.records.begin(session.accounts.value && !session.isAdmin.value && !session.shut.value);
    if (!session.shut.value) this.connection.connect();
  }

  /**
   * Whether somebody may do this with a node, as far as is known here; the broker decides.
   *
   * A broker of the original lets everybody.
   */
  may(uid: string, permission: Permission): boolean {
    return (this.state.value.permissions?.includes(permission) ?? true) && this.records.let(uid, permission);
  }

  retryNow(): void {
    this.connection.wake();
  }

  /**
   * Ask a node to set a resource. What is shown changes only when the node says so.
   *
   * It is sent once it has been drawn that it was pressed. What must not wait for that, since a page
   * that nobody sees draws nothing, is sent `atOnce`.
   */
  press(uid: string, endpoint: string, payload: string, { atOnce = false } = {}): void {
    this.orders += 1;
    const id = `${Date.now().toString(36)}-${this.orders}`;
    this.frames.add({ type: "pressed", id, uid, endpoint, payload });
    const send = (): void => {
      const sent = this.connection.send({
        type: "update",
        data: { uid, endpoint, payload },
        id,
        timeout: COMMAND_TIMEOUT,
      });
      if (!sent) this.frames.add({ type: "unsendable", id });
      else if (atOnce) this.frames.add({ type: "sent", id });
      else this.whenDrained(id);
    };
    if (atOnce) send();
    else this.frames.afterDrawn(send);
  }

  dismiss(uid: string, endpoint: string): void {
    this.frames.add({ type: "dismissed", uid, endpoint });
  }

  /** Take nodes that are gone or offline out of sight; they come back with the next news of them. */
  forget(...uids: readonly string[]): void {
    this.frames.add({ type: "forgotten", uids });
  }

  /** The same with all that are gone. */
  forgetGone(): void {
    const gone = [...this.state.value.roster.values()].filter(({ presence }) => presence === "gone");
    this.forget(...gone.map(({ uid }) => uid));
  }

  private remember(happenings: readonly Happening[], wall: number): void {
    for (const happening of happenings) {
      if (happening.type === "received") {
        this.memory.received(happening.messages, wall);
        alerts.received(happening.messages);
      }
      else if (happening.type === "lost") this.memory.lost();
      else if (happening.type === "ticked") this.memory.keepOnly(this.state.value.nodes);
    }
  }

  private whenDrained(id: string): void {
    if (!this.state.value.open.has(id)) return;
    if (this.connection.drained) this.frames.add({ type: "sent", id });
    else requestAnimationFrame(() => {
      this.whenDrained(id);
    });
  }

  /** Records that have changed are to be asked for. */
  private notice(happenings: readonly Happening[]): void {
    const told = happenings.some((each) => each.type === "received" && each.messages.some(({ type }) => type === "named"));
    if (!told) return;
    this.changes.value += 1;
    this.records.stale();
  }

  /** Somebody else sits before the page, or the same with other rights: nothing of before is theirs to see. */
  private changeHands(): void {
    this.annals.clear();
    alerts.begin(session.served.value);
    this.frames.add({ type: "cleared" });
    this.records.begin(session.accounts.value && !session.isAdmin.value && !session.shut.value);
    if (session.shut.value) this.connection.close();
    else this.connection.connect();
  }

  private tick(): void {
    const before = this.now.value;
    const now = moment();
    this.now.value = now;
    if (Math.abs(now.wall - before.wall - (now.steady - before.steady)) > SLEPT) {
      this.connection.renew();
    }
    this.frames.add({ type: "ticked" });
    void session.keep((token) => this.connection.send({ type: "renew", token }));
  }
}

export const PAGE: InjectionKey<Page> = Symbol("page");

export function usePage(): Page {
  const page = inject(PAGE);
  if (page === undefined) throw new Error("No page was provided.");
  return page;
}
