// SPDX-License-Identifier: BSD-3-Clause
import { expect, it } from "vitest";

import { AlertBook } from "../src/alerts/book";
import type { Client } from "../src/api/client";
import type { Alert as Told, AlertState, ToPage } from "../src/wire/messages";

function told(id: string, state: AlertState = "raised"): Told {
  return { type: "alert", id, rule: "r", uid: "1", endpoint: "x", severity: "critical", state, time: 1, text: "Wrong." };
}

/** A server that tells of these open alerts, once it is let. */
function server(...ids: readonly string[]): { client: Client; answer: () => void } {
  let answer = (): void => undefined;
  const items = ids.map((id) => ({ ...told(id), rule_name: "", finding: null, value: "", raised: 1, acknowledged: null, acknowledged_by: null, cleared: null }));
  const call = (): Promise<unknown> =>
    new Promise((resolve) => {
      answer = () => {
        resolve({ items, next: null });
      };
    });
  return {
    client: { call } as unknown as Client,
    answer: () => {
      answer();
    },
  };
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 6; turn += 1) await Promise.resolve();
}

const QUIET: ToPage = { type: "out", uid: "1" };

it("tells what is raised, until it is cleared, seen to, or noted", () => {
  const book = new AlertBook(server().client);
  book.received([QUIET, told("a"), told("b"), told("c"), told("d")]);
  expect(book.open.value.size).toBe(4);
  expect(book.news.value.map(({ id }) => id)).toEqual(["d", "c", "b"]);
  book.received([told("d", "cleared"), told("c", "acknowledged")]);
  expect(book.news.value.map(({ id }) => id)).toEqual(["b"]);
  book.noted("b");
  expect(book.news.value).toEqual([]);
  book.received([told("b")]);
  expect(book.news.value).toEqual([]);
  book.received([told("e"), told("f")]);
  book.noted();
  expect(book.news.value).toEqual([]);
});

it("asks what is open already, and makes no news of it", async () => {
  const { client, answer } = server("a", "b");
  const book = new AlertBook(client);
  book.begin(true);
  answer();
  await settled();
  expect([...book.open.value.keys()].sort()).toEqual(["a", "b"]);
  expect(book.news.value).toEqual([]);
});

it("does not show somebody what was for somebody else", async () => {
  const { client, answer } = server("a");
  const book = new AlertBook(client);
  book.begin(true);
  book.received([told("b")]);
  book.begin(false);
  answer();
  await settled();
  expect(book.open.value.size).toBe(0);
  expect(book.news.value).toEqual([]);
});
