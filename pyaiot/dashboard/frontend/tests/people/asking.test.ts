// SPDX-License-Identifier: BSD-3-Clause
import { createRenderer, nextTick, ref, type App, type Ref } from "vue";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { ApiError } from "../../src/api/client";
import type { Page } from "../../src/api/types";
import { useAsking, useListing } from "../../src/people/asking";

/** Draws nothing: a component is mounted, and that is all. */
const { createApp } = createRenderer<object, object>({
  createElement: () => ({}),
  createText: () => ({}),
  createComment: () => ({}),
  insert: () => undefined,
  remove: () => undefined,
  setText: () => undefined,
  setElementText: () => undefined,
  patchProp: () => undefined,
  parentNode: () => null,
  nextSibling: () => null,
});

let app: App<object>;
let somebody: Ref<string | null>;
let asked: string[];

function mounted<T>(use: () => T): T {
  let used: T | undefined;
  app = createApp({
    setup() {
      used = use();
      return () => null;
    },
  });
  app.mount({});
  return used as T;
}

/** Until all that was promised has come. */
async function settled(): Promise<void> {
  await nextTick();
  await new Promise((done) => setTimeout(done));
}

function refusal(): ApiError {
  return new ApiError("denied", 403);
}

beforeEach(() => {
  somebody = ref(null);
  asked = [];
});
afterEach(() => {
  app.unmount();
});

describe("what the server is asked for", () => {
  const use = (answer: (who: string) => Promise<string> = (who) => Promise.resolve(`of ${who}`)) =>
    mounted(() =>
      useAsking(() => {
        const { value: who } = somebody;
        if (who === null) return null;
        asked.push(who);
        return answer(who);
      }, somebody),
    );

  it("is not asked for where there is nobody to ask", async () => {
    const asking = use();
    await settled();
    await asking.again();
    expect(asked).toEqual([]);
    expect([asking.value.value, asking.problem.value, asking.busy.value]).toEqual([null, null, false]);
  });

  it("comes once there is somebody, and goes with them", async () => {
    const asking = use();
    somebody.value = "Anna";
    await settled();
    expect(asking.value.value).toBe("of Anna");
    somebody.value = null;
    await settled();
    expect(asking.value.value).toBeNull();
    expect(asked).toEqual(["Anna"]);
  });

  it("is not told to whoever is there when it comes too late", async () => {
    let come: (answer: string) => void = () => undefined;
    const asking = use(() => new Promise((done) => (come = done)));
    somebody.value = "Anna";
    await settled();
    expect(asking.busy.value).toBe(true);
    somebody.value = null;
    await settled();
    come("of Anna");
    await settled();
    expect([asking.value.value, asking.busy.value]).toEqual([null, false]);
  });

  it("leaves what came before where the server refuses", async () => {
    let refused = false;
    const asking = use((who) => (refused ? Promise.reject(refusal()) : Promise.resolve(who)));
    somebody.value = "Anna";
    await settled();
    refused = true;
    await asking.again();
    expect([asking.value.value, asking.problem.value?.code, asking.busy.value]).toEqual(["Anna", "denied", false]);
  });
});

describe("a list that comes in pages", () => {
  const PAGES: readonly Page<number>[] = [
    { items: [1, 2], next: "b" },
    { items: [3], next: null },
  ];
  const use = () =>
    mounted(() =>
      useListing<number>((cursor) => {
        if (somebody.value === null) return null;
        asked.push(cursor ?? "");
        return Promise.resolve(PAGES[cursor === null ? 0 : 1] ?? { items: [], next: null });
      }, somebody),
    );

  it("grows page by page, and begins anew", async () => {
    somebody.value = "Anna";
    const listing = use();
    await settled();
    expect([listing.items.value, listing.more.value]).toEqual([[1, 2], true]);
    await listing.next();
    expect([listing.items.value, listing.more.value]).toEqual([[1, 2, 3], false]);
    await listing.next();
    await listing.again();
    expect(listing.items.value).toEqual([1, 2]);
    expect(asked).toEqual(["", "b", ""]);
  });

  it("is taken away with whoever was there, and so is the way to more", async () => {
    somebody.value = "Anna";
    const listing = use();
    await settled();
    somebody.value = null;
    await settled();
    expect([listing.items.value, listing.more.value, listing.busy.value]).toEqual([null, false, false]);
    await listing.next();
    expect(asked).toEqual([""]);
  });
});
