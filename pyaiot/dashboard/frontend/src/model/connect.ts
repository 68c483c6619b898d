// SPDX-License-Identifier: BSD-3-Clause

/** How a device comes in by one protocol. */
export interface Way {
  readonly protocol: "websocket" | "mqtt" | "coap";
  /** Commands of usual tools that do it by hand, in their order. */
  readonly commands: readonly string[];
}

/** The uid in a device's token; empty where the text is no such token. It is not checked: gateways do that. */
export function uidOfToken(token: string): string {
  const [, body, signature] = token.split(".");
  if (body === undefined || signature === undefined) return "";
  try {
    const letters = atob(body.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof claims !== "object" || claims === null || !("sub" in claims) || typeof claims.sub !== "string") return "";
    return "use" in claims && claims.use === "device" ? claims.sub : "";
  } catch {
    return "";
  }
}

/** How the device with a token comes in at the gateways of a host, where they listen at their usual ports. */
export function waysOf(token: string, uid: string, host: string): readonly Way[] {
  const place = host.includes(":") ? `[${host.replace(/^\[|\]$/g, "")}]` : host;
  const told = JSON.stringify({ id: uid });
  const mqtt = `mosquitto_pub -h ${quoted(host.replace(/^\[|\]$/g, ""))} -p 1886 -u device -P ${quoted(token)}`;
  return [
    {
      protocol: "websocket",
      commands: [
        `websocat -H ${quoted(`Authorization: Bearer ${token}`)} ws://${place}:8001/node`,
        JSON.stringify({ type: "new", id: uid }),
        JSON.stringify({ type: "update", data: { temperature: "21.5°C" } }),
      ],
    },
    {
      protocol: "mqtt",
      commands: [
        `${mqtt} -t node/check -m ${quoted(told)}`,
        `${mqtt} -t ${quoted(`node/${uid}/temperature`)} -m ${quoted(JSON.stringify({ value: "21.5°C" }))}`,
      ],
    },
    {
      protocol: "coap",
      commands: [
        `coap-client-notls -m post -e ${quoted(`alive:${uid}`)} ${quoted(`coap://${place}/alive?token=${token}`)}`,
        `coap-client-notls -m post -e ${quoted("temperature:21.5°C")} ${quoted(`coap://${place}/server?token=${token}`)}`,
      ],
    },
  ];
}

/** A text as shells take it for one word, whatever is in it. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
