// SPDX-License-Identifier: BSD-3-Clause
import type { Why } from "../wire/connection";

/** What the page says about a connection that is not there: keys of words, and what goes into them. */
export interface Trouble {
  readonly headline: string;
  readonly advice: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly commands: readonly string[];
}

const USUAL_PORT = "8000";

/** `address` is the broker's websocket; `origin` is where this page came from. */
export function troubleOf(why: Why, address: string, origin: string): Trouble {
  const { port } = new URL(address);
  const broker = port === USUAL_PORT || port === "" ? "aiot-broker" : `aiot-broker --broker-port ${port}`;
  const parameters = { address };
  switch (why.kind) {
    case "unreachable":
      return { headline: "trouble.unreachable", advice: "trouble.unreachableAdvice", parameters, commands: [broker] };
    case "refused":
      return {
        headline: "trouble.refused",
        advice: "trouble.refusedAdvice",
        parameters,
        commands: [
          `${broker} --anonymous view`,
          `${broker} --anonymous control`,
          `${broker} --anonymous control --allow-origin ${origin}`,
        ],
      };
    case "unvouched":
      return { headline: "trouble.unvouched", advice: "trouble.unvouchedAdvice", parameters, commands: [] };
    case "doubted":
      return { headline: "trouble.refused", advice: "trouble.doubtedAdvice", parameters, commands: ["aiot-generate-keys", `${broker} --allow-origin ${origin}`] };
    case "closed":
      return why.reason === ""
        ? { headline: "trouble.lost", advice: "trouble.lostAdvice", parameters, commands: [] }
        : {
            headline: "trouble.lost",
            advice: "trouble.said",
            parameters: { reason: why.reason },
            commands: [],
          };
    case "silent":
      return { headline: "trouble.silent", advice: "trouble.silentAdvice", parameters, commands: [] };
  }
}
