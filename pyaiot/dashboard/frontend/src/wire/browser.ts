// SPDX-License-Identifier: BSD-3-Clause
import type { Surroundings } from "./connection";

/** How long the broker may take to answer when asked whether it is there, in milliseconds. */
const PATIENCE = 4_000;

/** The real browser. */
export const browser: Surroundings = {
  open: (address) => new WebSocket(address),

  async answers(address) {
    try {
      // The answer itself belongs to another origin and cannot be read; that it came is enough.
      await fetch(address, {
        mode: "no-cors",
        cache: "no-store",
        credentials: "omit",
        signal: AbortSignal.timeout(PATIENCE),
      });
      return true;
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
