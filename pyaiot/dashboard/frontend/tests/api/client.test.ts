// SPDX-License-Identifier: BSD-3-Clause
import { beforeEach, describe, expect, it } from "vitest";

import { all, ApiError, at, Client } from "../../src/api/client";
import type { Session } from "../../src/api/types";

interface Asked {
  readonly address: string;
  readonly options: RequestInit;
  readonly answer: (answer: Response) => void;
}

const NOBODY: Session = { user: null, anonymous: [], accounts: true, expires: null };

/** A server that a test answers for, and a clock that it sets. */
class Stage {
  time = 1_000_000;
  renewedAt = 0;
  readonly asked: Asked[] = [];
  readonly late = new AbortController();
  readonly told: (Session | null)[] = [];
  readonly client = new Client({
    fetch: (address, options) =>
      new Promise((resolve, reject) => {
        this.asked.push({ address, options, answer: resolve });
        options.signal?.addEventListener("abort", () => {
          reject(new DOMException("", "AbortError"));
        });
      }),
    timeout: () => this.late.signal,
    now: () => this.time,
    alone: (act) => act(),
    renewedAt: () => this.renewedAt,
    renewed: (when) => {
      this.renewedAt = when;
    },
  });

  constructor() {
    this.client.renewed = (session) => this.told.push(session);
  }

  get last(): Asked {
    const last = this.asked.at(-1);
    if (last === undefined) throw new Error("nothing was asked");
    return last;
  }

  /** Answer a call, by default the last one. */
  async answer(status: number, content?: unknown, headers: Record<string, string> = {}, call = this.last): Promise<void> {
    const text = typeof content === "string" ? content : JSON.stringify(content);
    call.answer(new Response(content === undefined ? null : text, { status, headers }));
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  }

  problem(status: number, code: string, more: object = {}, headers: Record<string, string> = {}): Promise<void> {
    return this.answer(status, { title: "Title", status, code, ...more }, headers);
  }

  get calls(): string[] {
    return this.asked.map(({ address, options }) => `${options.method ?? ""} ${address}`);
  }
}

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});

/** How a call failed. */
async function failure(call: Promise<unknown>): Promise<unknown> {
  return await call.then(
    () => null,
    (error: unknown) => (error instanceof ApiError ? [error.code, error.status, error.detail, error.retryAfter] : error),
  );
}

describe("a call", () => {
  it("goes to the API beside the page, with what it asks for", async () => {
    const query = { q: "x y", mine: true, limit: 5, cursor: null };
    const call = stage.client.call<{ ok: boolean }>("GET", at("nodes", "a/b c"), { query });
    expect(stage.calls).toEqual(["GET api/v1/nodes/a%2Fb%20c?q=x+y&mine=true&limit=5"]);
    expect(stage.last.options).toMatchObject({ body: null, credentials: "same-origin", cache: "no-cache", redirect: "error" });
    expect(stage.last.options.headers).toEqual({ Accept: "application/json, application/problem+json" });
    await stage.answer(200, { ok: true }, { Date: new Date(stage.time + 90_000).toUTCString() });
    expect(await call).toEqual({ ok: true });
    expect(stage.client.ahead).toBe(90);
  });

  it("that changes something says that it is the page's", async () => {
    const call = stage.client.call("PATCH", "nodes/1", { body: { name: "Ä" } });
    expect(stage.last.options).toMatchObject({ method: "PATCH", body: '{"name":"Ä"}' });
    expect(stage.last.options.headers).toMatchObject({ "Pyaiot-Request": "1", "Content-Type": "application/json" });
    await stage.answer(204);
    expect(await call).toBeUndefined();
  });

  it.each([
    [{ detail: "In words." }, {}, ["name_taken", 409, "In words.", null]],
    [{}, { "Retry-After": "30" }, ["name_taken", 409, "Title", 30]],
    [{}, { "Retry-After": "soon" }, ["name_taken", 409, "Title", null]],
  ])("fails as the server says: %j %j", async (more, headers, expected) => {
    const call = failure(stage.client.call("POST", "users", { body: {} }));
    await stage.problem(409, "name_taken", more, headers);
    expect(await call).toEqual(expected);
  });

  it.each([
    [404, "<h1>Not Found</h1>", ["no_api", 404, "", null]],
    [404, '{"detail": "Not Found"}', ["no_api", 404, "", null]],
    [404, '"no"', ["no_api", 404, "", null]],
    [200, "<html>", ["no_api", 200, "", null]],
    [502, "Bad Gateway", ["unreachable", 502, "", null]],
  ])("knows that %d %s comes of no API", async (status, content, expected) => {
    const call = failure(stage.client.call("GET", "session"));
    await stage.answer(status, content);
    expect(await call).toEqual(expected);
  });

  it("ends when nobody wants it any more, or nobody answers", async () => {
    const unwanted = new AbortController();
    const call = failure(stage.client.call("GET", "nodes", { signal: unwanted.signal }));
    unwanted.abort(new Error("left"));
    expect(await call).toEqual(new Error("left"));
    const gone = failure(stage.client.call("GET", "nodes"));
    stage.late.abort();
    expect(await gone).toEqual(["timeout", 0, "", null]);
    const cut = new Client({
      fetch: () => Promise.reject(new TypeError("Failed to fetch")),
      timeout: () => new AbortController().signal,
      now: () => 0,
      alone: (act) => act(),
      renewedAt: () => 0,
      renewed: () => undefined,
    });
    expect(await failure(cut.call("GET", "nodes"))).toEqual(["unreachable", 0, "", null]);
  });
});

describe("a session that has run out", () => {
  it("is renewed once for all that wait, and each call is made again", async () => {
    const calls = [stage.client.call("GET", "nodes"), stage.client.call("GET", "users")];
    const [one, other] = stage.asked;
    if (one === undefined || other === undefined) throw new Error("too few");
    stage.time += 5;
    await stage.answer(401, { title: "", status: 401, code: "stale_token" }, {}, one);
    await stage.answer(401, { title: "", status: 401, code: "stale_token" }, {}, other);
    expect(stage.calls).toEqual(["GET api/v1/nodes", "GET api/v1/users", "PUT api/v1/session"]);
    await stage.answer(200, NOBODY);
    expect(stage.calls.slice(3)).toEqual(["GET api/v1/nodes", "GET api/v1/users"]);
    for (const [index, call] of stage.asked.slice(3).entries()) await stage.answer(200, index, {}, call);
    expect(await Promise.all(calls)).toEqual([0, 1]);
    expect(stage.told).toEqual([NOBODY]);
    expect(stage.renewedAt).toBe(stage.time);
  });

  it("that another tab renewed meanwhile is not renewed again", async () => {
    const call = stage.client.call("GET", "nodes");
    stage.renewedAt = stage.time + 1;
    await stage.problem(401, "stale_token");
    expect(stage.calls).toEqual(["GET api/v1/nodes", "GET api/v1/nodes"]);
    await stage.answer(200, ["again"]);
    expect(await call).toEqual(["again"]);
  });

  it("is over where it cannot be renewed", async () => {
    const call = failure(stage.client.call("GET", "nodes"));
    await stage.problem(401, "stale_token");
    await stage.problem(401, "invalid_token");
    expect(await call).toEqual(["stale_token", 401, "Title", null]);
    expect(stage.told).toEqual([null]);
  });

  it("is not given up because the server is away", async () => {
    const call = failure(stage.client.call("GET", "nodes"));
    await stage.problem(401, "stale_token");
    await stage.answer(503, "Service Unavailable");
    expect(await call).toEqual(["unreachable", 503, "", null]);
    expect(stage.told).toEqual([]);
  });

  it("is no matter where somebody only mistyped a password", async () => {
    const call = failure(stage.client.call("POST", "session", { body: {} }));
    await stage.problem(401, "wrong_password");
    expect(await call).toEqual(["wrong_password", 401, "Title", null]);
    expect(stage.calls).toEqual(["POST api/v1/session"]);
  });
});

it("puts lists together that come in pages, as far as they are wanted", async () => {
  const call = all<number>(stage.client, "nodes", { query: { mine: true } }, 3);
  await stage.answer(200, { items: [1, 2], next: "c1" });
  await stage.answer(200, { items: [3, 4], next: "c2" });
  expect(await call).toEqual([1, 2, 3, 4]);
  expect(stage.calls).toEqual(["GET api/v1/nodes?limit=1000&mine=true", "GET api/v1/nodes?limit=1000&mine=true&cursor=c1"]);
});
