// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, it } from "vitest";

import { ApiError } from "../../src/api/client";
import { handOver, nameNode, type Names } from "../../src/people/naming";

/** A server that answers a rename in one way, or none for a stranger. */
class Desk {
  local: Readonly<Record<string, string>> = {};
  readonly asked: unknown[] = [];

  constructor(private readonly answer: { unchanged: boolean } | ApiError | null) {}

  get names(): Names {
    const { answer } = this;
    const call = (method: string, path: string, { body }: { body?: unknown } = {}): Promise<never> => {
      this.asked.push([method, path, body]);
      return answer instanceof ApiError ? Promise.reject(answer) : Promise.resolve(answer as never);
    };
    return {
      client: answer === null ? null : { call },
      local: this.local,
      keep: (names) => {
        this.local = names;
      },
    };
  }
}

const DONE = { unchanged: false };
const NODE = { uid: "a/b", title: "Own", name: "" };
const OTHERS = [NODE, { uid: "c", title: "Cellar", name: "" }];

describe("a stranger", () => {
  it("names nodes in this browser", async () => {
    const desk = new Desk(null);
    expect(await nameNode("Attic", NODE, OTHERS, desk.names)).toEqual({ kind: "fine", name: "Attic" });
    expect(desk.local).toEqual({ "a/b": "Attic" });
    expect(await nameNode("Attic", NODE, OTHERS, desk.names)).toEqual({ kind: "unchanged" });
    expect(await nameNode("Cellar", NODE, OTHERS, desk.names)).toEqual({ kind: "taken", by: "c" });
    expect(await nameNode("", NODE, OTHERS, desk.names)).toEqual({ kind: "own" });
    expect(desk.local).toEqual({});
  });
});

describe("somebody with an account", () => {
  it("names nodes in the server's records", async () => {
    const desk = new Desk(DONE);
    // Whose names must differ is the server's affair.
    expect(await nameNode(" Cellar ", NODE, OTHERS, desk.names)).toEqual({ kind: "fine", name: "Cellar" });
    expect(await nameNode("", { ...NODE, name: "Attic" }, OTHERS, desk.names)).toEqual({ kind: "own" });
    expect(desk.asked).toEqual([
      ["PATCH", "nodes/a%2Fb", { name: "Cellar" }],
      ["PATCH", "nodes/a%2Fb", { name: "" }],
    ]);
    expect(desk.local).toEqual({});
  });

  it("hears that nothing changes, without or from the server", async () => {
    const desk = new Desk({ unchanged: true });
    expect(await nameNode("Own", NODE, OTHERS, desk.names)).toEqual({ kind: "unchanged" });
    expect(desk.asked).toEqual([]);
    expect(await nameNode("Attic", NODE, OTHERS, desk.names)).toEqual({ kind: "unchanged" });
  });

  it("lets the records take over the name that only this browser had", async () => {
    const desk = new Desk(DONE);
    desk.local = { "a/b": "Attic", c: "C" };
    expect(await nameNode("Attic", NODE, OTHERS, desk.names)).toEqual({ kind: "fine", name: "Attic" });
    expect([desk.asked.length, desk.local]).toEqual([1, { c: "C" }]);
    desk.local = { "a/b": "Hidden" };
    expect(await nameNode("Den", { ...NODE, name: "Den" }, OTHERS, desk.names)).toEqual({ kind: "unchanged" });
    expect(desk.local).toEqual({});
  });

  it("hears why a name cannot be had", async () => {
    const taken = new Desk(new ApiError("name_taken", 409));
    expect(await nameNode("Cellar", NODE, OTHERS, taken.names)).toEqual({ kind: "taken", by: null });
    const problem = new ApiError("denied", 403);
    expect(await nameNode("Cellar", NODE, OTHERS, new Desk(problem).names)).toEqual({ kind: "refused", problem });
  });

  it("keeps a name here while the server is away, unless its records would go first", async () => {
    const problem = new ApiError("unreachable", 0);
    const desk = new Desk(problem);
    expect(await nameNode("Attic", NODE, OTHERS, desk.names)).toEqual({ kind: "kept", name: "Attic" });
    expect(desk.local).toEqual({ "a/b": "Attic" });
    expect(await nameNode("Den", { ...NODE, name: "Attic" }, OTHERS, desk.names)).toEqual({ kind: "refused", problem });
    expect(await nameNode("", { ...NODE, name: "Attic" }, OTHERS, desk.names)).toEqual({ kind: "refused", problem });
  });

  it("hears of a fault of the page", async () => {
    const names: Names = { client: { call: () => Promise.reject(new Error("fault")) }, local: {}, keep: () => undefined };
    await expect(nameNode("Attic", NODE, OTHERS, names)).rejects.toThrow("fault");
  });
});

describe("names that only this browser knows", () => {
  const hand = (desk: Desk, answers: Readonly<Record<string, ApiError>> = {}): Promise<number> =>
    handOver({
      ...desk.names,
      client: {
        call: (method, path, asked) => {
          desk.asked.push([method, path, asked?.body]);
          const problem = answers[path];
          return problem === undefined ? Promise.resolve(DONE as never) : Promise.reject(problem);
        },
      },
    });

  it("go to the server, but for those that it does not take", async () => {
    const desk = new Desk(DONE);
    desk.local = { "a/b": "Attic", c: "Cellar", d: "Den" };
    const refusals = { "nodes/c": new ApiError("name_taken", 409), "nodes/d": new ApiError("denied", 403) };
    expect(await hand(desk, refusals)).toBe(1);
    expect(desk.local).toEqual({ c: "Cellar", d: "Den" });
    expect(desk.asked[0]).toEqual(["PATCH", "nodes/a%2Fb", { name: "Attic" }]);
  });

  it("stay where the server does not answer", async () => {
    const desk = new Desk(DONE);
    desk.local = { a: "Attic", c: "Cellar" };
    await expect(hand(desk, { "nodes/c": new ApiError("unreachable", 0) })).rejects.toMatchObject({ code: "unreachable" });
    expect(desk.local).toEqual({ c: "Cellar" });
  });
});
