// SPDX-License-Identifier: BSD-3-Clause
import { Client, type Surroundings } from "./client";

/** Under these names the browser keeps what tabs have to agree on. */
const LOCK = "pyaiot-session";
const RENEWED = "pyaiot-renewed";

/** When this tab renewed the session, for browsers that keep nothing. */
let own = 0;

const browser: Surroundings = {
  fetch: (address, options) => fetch(address, options),

  timeout: (milliseconds) => AbortSignal.timeout(milliseconds),

  now: () => Date.now(),

  alone(act) {
    // There are no locks for pages that came without TLS. The server bears with two tabs there.
    const { locks } = navigator as Partial<Pick<Navigator, "locks">>;
    return locks === undefined ? act() : locks.request(LOCK, act);
  },

  renewedAt() {
    try {
      return Math.max(own, Number(localStorage.getItem(RENEWED) ?? 0));
    } catch {
      return own;
    }
  },

  renewed(at) {
    own = at;
    try {
      localStorage.setItem(RENEWED, String(at));
    } catch {
      // Its room is full, or somebody forbade it.
    }
  },
};

/** The one client of this page. */
export const client = new Client(browser);
