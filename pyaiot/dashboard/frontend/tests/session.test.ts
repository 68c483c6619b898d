// SPDX-License-Identifier: BSD-3-Clause
import { beforeEach, describe, expect, it } from "vitest";

import { Client } from "../src/api/client";
import type { Session, User } from "../src/api/types";
import { SessionKeeper } from "../src/session";

const ALICE: User = { id: "1", name: "Alice", role: "operator", created: 0, seen: null };
const HERS: Session = { user: ALICE, anonymous: [], accounts: true, expires: 1 };
const NOBODY: Session = { user: null, anonymous: ["view"], accounts: true, expires: null };

type Answer = readonly [status: number, content?: unknown];
const problem = (status: number, code: string): Answer => [status, { title: "", status, code }];

/** A server that answers by a table, and a browser with a clock that the test sets. */
class Stage {
  time = 1_000_000;
  hint = false;
  told = 0;
  tell = (): void => undefined;
  readonly asked: string[] = [];
  answers: Record<string, Answer | "away"> = {};
  readonly client = new Client({
    fetch: (address, { method = "" }) => {
      const call = `${method} ${address.replace("api/v1/", "")}`;
      this.asked.push(call);
      const answer = this.answers[call];
      if (answer === undefined || answer === "away") return Promise.reject(new TypeError(call));
      const text = answer[1] === undefined ? null : JSON.stringify(answer[1]);
      return Promise.resolve(new Response(text, { status: answer[0], headers: { Date: new Date(this.time).toUTCString() } }));
    },
    timeout: () => new AbortController().signal,
    now: () => this.time,
    alone: (act) => act(),
    renewedAt: () => 0,
    renewed: () => undefined,
  });
  readonly keeper = new SessionKeeper(this.client, {
    now: () => this.time,
    tell: () => {
      this.told += 1;
    },
    told: (callback) => {
      this.tell = callback;
    },
    remembered: () => this.hint,
    remember: (somebody) => {
      this.hint = somebody;
    },
  });

  ticket(token: string, life: number): Answer {
    return [200, { token, expires: this.time / 1000 + life }];
  }

  async settle(): Promise<void> {
    for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
  }
}

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});

describe("the server", () => {
  it.each<[string, Answer | "away"]>([
    ["knows no accounts", [404, "no"]],
    ["does not answer", "away"],
    ["has trouble", problem(503, "store_failed")],
  ])("that %s leaves the page as it was", async (_what, answer) => {
    stage.answers = { "GET session": answer };
    await stage.keeper.start();
    expect(stage.keeper.standing.value).toEqual({ kind: "absent" });
    expect([stage.keeper.user.value, stage.keeper.shut.value, stage.keeper.accounts.value, stage.keeper.ticket()]).toEqual([
      null,
      false,
      false,
      null,
    ]);
  });

  it("says who is here", async () => {
    stage.answers = { "GET session": [200, HERS] };
    await stage.keeper.start();
    expect([stage.keeper.user.value, stage.keeper.isAdmin.value, stage.keeper.present.value]).toEqual([ALICE, false, true]);
    expect(stage.asked).toEqual(["GET session"]);
  });

  it("is asked to renew what ran out, where somebody was here before", async () => {
    stage.answers = { "GET session": [200, NOBODY], "PUT session": [200, HERS] };
    await stage.keeper.start();
    expect([stage.keeper.user.value, stage.asked]).toEqual([null, ["GET session"]]);
    stage.hint = true;
    await stage.keeper.look();
    expect([stage.keeper.user.value, stage.asked]).toEqual([ALICE, ["GET session", "GET session", "PUT session"]]);
  });

  it("may have ended that session for good", async () => {
    stage.answers = { "GET session": [200, NOBODY], "PUT session": problem(401, "invalid_token") };
    stage.hint = true;
    await stage.keeper.start();
    expect(stage.keeper.standing.value).toEqual({ kind: "here", session: NOBODY });
    expect([stage.hint, stage.keeper.over.value]).toEqual([false, false]);
  });

  it("may let no stranger in", async () => {
    stage.answers = { "GET session": [200, { ...NOBODY, anonymous: [] }] };
    await stage.keeper.start();
    expect(stage.keeper.shut.value).toBe(true);
  });

  it("looks after rules of nobody where strangers may control nodes", async () => {
    stage.answers = { "GET session": [200, NOBODY] };
    await stage.keeper.start();
    expect(stage.keeper.keeps.value).toBe(false);
    stage.answers = { "GET session": [200, { ...NOBODY, anonymous: ["view", "control"], accounts: false }] };
    await stage.keeper.look();
    expect(stage.keeper.keeps.value).toBe(true);
    // Whoever has an account looks after their own.
    stage.answers = { "GET session": [200, HERS] };
    await stage.keeper.look();
    expect(stage.keeper.keeps.value).toBe(true);
  });

  it("leaves it to the broker whom to let in while there are no accounts", async () => {
    stage.answers = { "GET session": [200, { ...NOBODY, anonymous: [], accounts: false }] };
    await stage.keeper.start();
    expect([stage.keeper.shut.value, stage.keeper.served.value]).toEqual([false, false]);
  });
});

describe("somebody", () => {
  it("comes by password or by the link of the first start, and goes, in all tabs", async () => {
    stage.answers = {
      "GET session": [200, NOBODY],
      "POST session": [200, HERS],
      "POST setup": [200, { ...HERS, user: { ...ALICE, role: "admin" } }],
      "DELETE session": [204],
    };
    await stage.keeper.start();
    await stage.keeper.login("Alice", "secret");
    expect([stage.keeper.user.value?.name, stage.told, stage.hint]).toEqual(["Alice", 1, true]);
    await stage.keeper.logout();
    expect([stage.keeper.user.value, stage.told, stage.hint, stage.keeper.over.value]).toEqual([null, 2, false, false]);
    await stage.keeper.setUp("token", "Alice", "secret");
    expect([stage.keeper.isAdmin.value, stage.told]).toEqual([true, 3]);
  });

  it("stays outside with a wrong password, and inside while the server cannot be told", async () => {
    stage.answers = { "GET session": [200, NOBODY], "POST session": problem(401, "wrong_password") };
    await stage.keeper.start();
    await expect(stage.keeper.login("Alice", "guess")).rejects.toMatchObject({ code: "wrong_password" });
    expect([stage.keeper.user.value, stage.told]).toEqual([null, 0]);
    stage.answers["POST session"] = [200, HERS];
    await stage.keeper.login("Alice", "secret");
    await expect(stage.keeper.logout()).rejects.toMatchObject({ code: "unreachable" });
    expect(stage.keeper.user.value).toEqual(ALICE);
  });

  it("who came or went in another tab did so here", async () => {
    stage.answers = { "GET session": [200, NOBODY] };
    await stage.keeper.start();
    stage.answers["GET session"] = [200, HERS];
    stage.tell();
    await stage.settle();
    expect(stage.keeper.user.value).toEqual(ALICE);
    stage.answers["GET session"] = "away";
    stage.tell();
    await stage.settle();
    expect([stage.keeper.user.value, stage.told]).toEqual([ALICE, 0]);
  });
});

describe("a ticket", () => {
  beforeEach(async () => {
    stage.answers = { "GET session": [200, HERS], "PUT session": [200, HERS], "POST session/ticket": stage.ticket("one", 100) };
    await stage.keeper.start();
    expect(await stage.keeper.ticket()).toBe("one");
    stage.asked.length = 0;
  });

  it("is followed by a newer one in time", async () => {
    const sent: string[] = [];
    const keep = (): Promise<void> => stage.keeper.keep((token) => sent.push(token));
    stage.time += 69_000;
    await keep();
    expect([sent, stage.asked]).toEqual([[], []]);
    stage.time += 2_000;
    stage.answers["POST session/ticket"] = stage.ticket("two", 100);
    await Promise.all([keep(), keep()]);
    expect([sent, stage.asked]).toEqual([["two"], ["PUT session", "POST session/ticket"]]);
    await keep();
    expect(sent).toEqual(["two"]);
  });

  it("that cannot be had is asked for again after a while", async () => {
    const sent: string[] = [];
    const keep = (): Promise<void> => stage.keeper.keep((token) => sent.push(token));
    stage.time += 80_000;
    stage.answers["PUT session"] = "away";
    await keep();
    await keep();
    expect([sent, stage.asked]).toEqual([[], ["PUT session"]]);
    stage.time += 10_000;
    stage.answers["PUT session"] = [200, HERS];
    await keep();
    expect(sent).toEqual(["one"]);
  });

  it("is not given to somebody whose session is over, and that is told", async () => {
    stage.answers["POST session/ticket"] = problem(401, "stale_token");
    stage.answers["PUT session"] = problem(401, "invalid_token");
    expect(await stage.keeper.ticket()).toBeNull();
    expect([stage.keeper.user.value, stage.keeper.over.value, stage.keeper.ticket()]).toEqual([null, true, null]);
    stage.answers["POST session"] = [200, HERS];
    await stage.keeper.login("Alice", "secret");
    expect(stage.keeper.over.value).toBe(false);
  });

  it("fails while the server is away", async () => {
    stage.answers["POST session/ticket"] = "away";
    await expect(stage.keeper.ticket()).rejects.toMatchObject({ code: "unreachable" });
    expect([stage.keeper.user.value, stage.keeper.over.value]).toEqual([ALICE, false]);
  });
});
