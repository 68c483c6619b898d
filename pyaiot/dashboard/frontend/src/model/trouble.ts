// SPDX-License-Identifier: BSD-3-Clause
import type { Why } from "../wire/connection";

/** What the page says about a connection that is not there. */
export interface Trouble {
  readonly headline: string;
  readonly advice: string;
  readonly commands: readonly string[];
}

const USUAL_PORT = "8000";

/** `address` is the broker's websocket; `origin` is where this page came from. */
export function troubleOf(why: Why, address: string, origin: string): Trouble {
  const { port } = new URL(address);
  const broker = port === USUAL_PORT || port === "" ? "aiot-broker" : `aiot-broker --broker-port ${port}`;
  switch (why.kind) {
    case "unreachable":
      return {
        headline: "The broker cannot be reached",
        // The word joiner keeps the dashes and the word after them on one line.
        advice:
          `Nothing answers at ${address}. Is it running? And is the host that the dashboard was told` +
          " (--\u2060broker\u2011host) the one by which this browser can reach it?",
        commands: [broker],
      };
    case "refused":
      return {
        headline: "The broker does not let this page in",
        advice:
          `Something answers at ${address}, but refuses the connection. A broker that can be reached from other machines` +
          " asks for credentials unless it is told what strangers may do, and it lets in web pages of other sites only" +
          " when it is told which. Start it with one of these:",
        commands: [
          `${broker} --anonymous view`,
          `${broker} --anonymous control`,
          `${broker} --anonymous control --allow-origin ${origin}`,
        ],
      };
    case "closed":
      return {
        headline: "The connection to the broker was lost",
        advice: why.reason === "" ? `It was ${address}.` : `The broker says: ${why.reason}`,
        commands: [],
      };
    case "silent":
      return {
        headline: "The broker fell silent",
        advice: `Nobody answers at ${address} any more.`,
        commands: [],
      };
  }
}
