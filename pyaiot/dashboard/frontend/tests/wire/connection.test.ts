// SPDX-License-Identifier: BSD-3-Clause
import { beforeEach, describe, expect, it } from "vitest";

import { Connection, type Link, type Socket } from "../../src/wire/connection";
import type { ToPage } from "../../src/wire/messages";

/** A browser whose time and network the test holds in its hands. */
class Stage {
  time = 0;
  answering = true;
  readonly sockets: (Socket & { sent: string[]; ended: boolean })[] = [];
  readonly links: Link[] = [];
  readonly messages: ToPage[] = [];
  /** What is had where somebody asks for a ticket; null for a stranger. */
  ticket: Promise<string | null> | null = null;
  readonly tickets: (string | null)[] = [];
  private timers: { at: number; callback: () => void }[] = [];

  readonly connection = new Connection(
    { socket: "ws://b:8000/ws", health: "http://b:8000/health" },
    {
      linked: (link) => this.links.push(link),
      received: (messages) => this.messages.push(...messages),
    },
    {
      ticket: () => this.ticket,
      open: (_address, ticket) => {
        this.tickets.push(ticket);
        const socket = {
          sent: [] as string[],
          ended: false,
          bufferedAmount: 0,
          onopen: null,
          onmessage: null,
          onclose: null,
          send: (text: string) => socket.sent.push(text),
          close: () => (socket.ended = true),
        };
        this.sockets.push(socket);
        return socket;
      },
      answers: () => Promise.resolve(this.answering),
      now: () => this.time,
      random: () => 1,
      after: (milliseconds, callback) => {
        const timer = { at: this.time + milliseconds, callback };
        this.timers.push(timer);
        return () => {
          this.timers = this.timers.filter((each) => each !== timer);
        };
      },
    },
  );

  get link(): Link | undefined {
    return this.links.at(-1);
  }

  get socket() {
    const socket = this.sockets.at(-1);
    if (socket === undefined) throw new Error("no socket");
    return socket;
  }

  async pass(milliseconds: number): Promise<void> {
    const end = this.time + milliseconds;
    for (;;) {
      await this.settle();
      const next = this.timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.timers = this.timers.filter((each) => each !== next);
      this.time = next.at;
      next.callback();
    }
    this.time = end;
  }

  async settle(): Promise<void> {
    for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
  }

  async open(): Promise<void> {
    this.socket.onopen?.call(null as never, {} as Event);
    await this.settle();
  }

  async end(reason = ""): Promise<void> {
    this.socket.onclose?.call(null as never, { reason } as CloseEvent);
    await this.settle();
  }

  say(frame: string): void {
    this.socket.onmessage?.call(null as never, { data: frame } as MessageEvent);
  }
}

let stage: Stage;

beforeEach(() => {
  stage = new Stage();
  stage.connection.connect();
});

describe("a connection", () => {
  it("asks for what this page understands, once it is open", async () => {
    expect(stage.link).toEqual({ phase: "connecting", why: null });
    await stage.open();
    expect(stage.link).toEqual({ phase: "live" });
    expect(stage.socket.sent.map((text) => JSON.parse(text) as unknown)).toEqual([
      { type: "new", data: "client", features: ["snapshot", "batch", "availability", "result", "names", "alerts"] },
    ]);
    stage.say('{"type":"out","uid":"1"}');
    expect(stage.messages).toEqual([{ type: "out", uid: "1" }]);
  });

  it("sends only while it is live", async () => {
    const command = { type: "update", data: { uid: "1", endpoint: "led", payload: "1" } } as const;
    expect(stage.connection.send(command)).toBe(false);
    await stage.open();
    expect(stage.connection.send(command)).toBe(true);
    expect(stage.connection.drained).toBe(true);
    await stage.end();
    expect(stage.connection.send(command)).toBe(false);
    expect(stage.connection.drained).toBe(false);
  });

  it("comes back by itself, and waits longer each time", async () => {
    const waits: number[] = [];
    stage.answering = false;
    for (let attempt = 0; attempt < 6; attempt += 1) {
      await stage.end();
      const { link } = stage;
      if (link?.phase !== "waiting") throw new Error("not waiting");
      expect(link.why).toEqual({ kind: "unreachable" });
      waits.push(link.retryAt - stage.time);
      await stage.pass(link.retryAt - stage.time);
      expect(stage.link).toEqual({ phase: "connecting", why: { kind: "unreachable" } });
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000, 15000, 15000]);
    expect(stage.sockets).toHaveLength(7);
  });

  it("starts over with short waits after it was good for a while", async () => {
    stage.answering = false;
    await stage.end();
    await stage.pass(1000);
    await stage.open();
    await stage.pass(11_000);
    await stage.end("Going away");
    expect(stage.link).toEqual({
      phase: "waiting",
      why: { kind: "closed", reason: "Going away" },
      retryAt: stage.time + 1000,
    });
  });

  it("tells a broker that refuses from one that is not there", async () => {
    await stage.end();
    expect(stage.link).toMatchObject({ phase: "waiting", why: { kind: "refused" } });
  });

  it("tells a stranger who is refused from somebody whose ticket is", async () => {
    stage.ticket = Promise.resolve("one");
    await stage.end();
    await stage.pass(1000);
    await stage.end();
    expect(stage.link).toMatchObject({ phase: "waiting", why: { kind: "doubted" } });
  });

  it("gives up a connection that does not open", async () => {
    await stage.pass(10_000);
    expect(stage.socket.ended).toBe(true);
    expect(stage.link).toMatchObject({ phase: "waiting", why: { kind: "unreachable" } });
  });

  it("notices that the broker is gone though nobody closed the connection", async () => {
    await stage.open();
    stage.answering = false;
    await stage.pass(20_000);
    expect(stage.link).toEqual({ phase: "live" });
    await stage.pass(5_500);
    expect(stage.link).toMatchObject({ phase: "waiting", why: { kind: "silent" } });
  });

  it("does not mistake quiet for death", async () => {
    await stage.open();
    await stage.pass(120_000);
    expect(stage.link).toEqual({ phase: "live" });
    stage.answering = false;
    for (let second = 0; second < 60; second += 1) {
      await stage.pass(1000);
      stage.say("{}");
    }
    expect(stage.link).toEqual({ phase: "live" });
  });

  it("does not rely on a health page that never answered", async () => {
    stage.answering = false;
    await stage.open();
    await stage.pass(120_000);
    expect(stage.link).toEqual({ phase: "live" });
  });

  it("tries at once when asked to, and leaves no second attempt behind", async () => {
    await stage.end();
    stage.connection.wake();
    expect(stage.sockets).toHaveLength(2);
    await stage.open();
    await stage.pass(5000);
    expect(stage.sockets).toHaveLength(2);
    expect(stage.link).toEqual({ phase: "live" });
  });

  it("looks after a live connection when the network comes and goes", async () => {
    await stage.open();
    stage.connection.wake();
    await stage.settle();
    expect(stage.link).toEqual({ phase: "live" });
    stage.answering = false;
    stage.connection.wake();
    await stage.settle();
    expect(stage.link).toMatchObject({ why: { kind: "silent" } });
  });

  it("starts anew after the machine slept, and hears nothing from the old socket", async () => {
    await stage.open();
    const old = stage.socket;
    stage.connection.renew();
    expect(old.ended).toBe(true);
    expect(old.onmessage).toBeNull();
    expect(stage.link).toEqual({ phase: "connecting", why: null });
    await stage.open();
    expect(stage.link).toEqual({ phase: "live" });
  });

  it("ends when told to", async () => {
    await stage.open();
    stage.connection.close();
    expect(stage.socket.ended).toBe(true);
    await stage.pass(60_000);
    expect(stage.sockets).toHaveLength(1);
  });

  it("tells no news of an attempt that was given up meanwhile", async () => {
    const closing = stage.end();
    stage.connection.connect();
    await closing;
    expect(stage.link).toEqual({ phase: "connecting", why: null });
  });
});

describe("a ticket", () => {
  it("is had for each attempt anew", async () => {
    stage.ticket = Promise.resolve("one");
    stage.connection.connect();
    await stage.settle();
    await stage.open();
    stage.ticket = Promise.resolve("two");
    await stage.end("expired_token");
    await stage.pass(1_000);
    expect(stage.tickets).toEqual([null, "one", "two"]);
  });

  it("that comes too late opens nothing", async () => {
    let had = (ticket: string): unknown => ticket;
    stage.ticket = new Promise((resolve) => {
      had = resolve;
    });
    stage.connection.connect();
    stage.connection.close();
    had("late");
    await stage.settle();
    expect(stage.tickets).toEqual([null]);
    expect(stage.link).toEqual({ phase: "connecting", why: null });
    await stage.pass(60_000);
    expect(stage.tickets).toEqual([null]);
  });

  it("that cannot be had is asked for again, and that is said", async () => {
    stage.ticket = Promise.reject(new Error("no server"));
    stage.connection.connect();
    await stage.settle();
    expect(stage.link).toEqual({ phase: "waiting", why: { kind: "unvouched" }, retryAt: 1_000 });
    let had = (error: Error): unknown => error;
    stage.ticket = new Promise((_resolve, reject) => {
      had = reject;
    });
    stage.connection.connect();
    expect(stage.link).toEqual({ phase: "connecting", why: { kind: "unvouched" } });
    stage.ticket = Promise.resolve("later");
    stage.connection.connect();
    had(new Error("too late"));
    await stage.settle();
    expect(stage.tickets).toEqual([null, "later"]);
  });
});
