// SPDX-License-Identifier: BSD-3-Clause
import type { Surroundings } from "./connection";

/** How long the broker may take to answer when asked whether it is there, in milliseconds. */
const PATIENCE = 4_000;

/** By these a proxy of the page's own origin says that it does not reach the broker. */
const NOBODY_BEHIND: ReadonlySet<number> = new Set([502, 503, 504]);

/** The real browser. */
export const browser: Omit<Surroundings, "ticket"> = {
  open: (address, ticket) => (ticket === null ? new WebSocket(address) : new WebSocket(address, ["token", ticket])),

  async answers(address) {
    try {
      // Of another origin nothing can be read of the answer; that it came is enough then.
      const answer = await fetch(address, {
        mode: "no-cors",
        cache: "no-store",
        credentials: "omit",
        signal: AbortSignal.timeout(PATIENCE),
      });
      return !NOBODY_BEHIND.has(answer.status);
    } catch {
      return false;
    }
  },

  now: () => performance.now(),

  random: () => Math.random(),

  after(milliseconds, callback) {
    const timer = setTimeout(callback, milliseconds);
    return () => {
      clearTimeout(timer);
    };
  },
};
