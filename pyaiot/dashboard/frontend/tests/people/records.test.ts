// SPDX-License-Identifier: BSD-3-Clause
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { Client } from "../../src/api/client";
import { Records } from "../../src/people/records";

let asked: number;
let answer: { items: { uid: string; permissions: string[] }[]; next: null } | null;
let records: Records;

beforeEach(() => {
  vi.useFakeTimers();
  asked = 0;
  answer = { items: [{ uid: "a", permissions: ["view"] }, { uid: "b", permissions: ["view", "control"] }], next: null };
  records = new Records(
    new Client({
      fetch: () => {
        asked += 1;
        return answer === null ? Promise.reject(new TypeError("away")) : Promise.resolve(new Response(JSON.stringify(answer)));
      },
      timeout: () => new AbortController().signal,
      now: () => 0,
      alone: (act) => act(),
      renewedAt: () => 0,
      renewed: () => undefined,
    }),
  );
});
afterEach(() => {
  vi.useRealTimers();
});

const may = (): boolean[] => ["a", "b", "c"].map((uid) => records.let(uid, "control"));
const pass = async (): Promise<void> => {
  await vi.advanceTimersByTimeAsync(1_000);
};

describe("what may be done with a node", () => {
  it("is as the records say, and up to the broker where they say nothing", async () => {
    expect(may()).toEqual([true, true, true]);
    records.begin(true);
    await pass();
    expect([may(), asked]).toEqual([[false, true, true], 1]);
    records.begin(false);
    records.stale();
    records.see(["z"]);
    await pass();
    expect([may(), asked]).toEqual([[true, true, true], 1]);
  });

  it("is asked anew when it changes, and once for each node that is not known", async () => {
    records.begin(true);
    await pass();
    records.stale();
    records.stale();
    records.see(["a", "c"]);
    await pass();
    expect(asked).toBe(2);
    records.see(["a", "b", "c"]);
    await pass();
    expect(asked).toBe(2);
    answer = null;
    records.stale();
    await pass();
    expect([may(), asked]).toEqual([[false, true, true], 3]);
  });

  it("is nobody else's", async () => {
    records.begin(true);
    records.begin(false);
    await pass();
    expect(may()).toEqual([true, true, true]);
  });
});
