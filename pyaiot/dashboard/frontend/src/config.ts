// SPDX-License-Identifier: BSD-3-Clause
import { inject, type InjectionKey } from "vue";

import type { Addresses } from "./wire/connection";

/** Where the broker is, in parts. */
export interface BrokerAddress {
  readonly url: null;
  readonly host: string;
  /** Null for the usual port of the scheme. */
  readonly port: number | null;
  readonly secure: boolean;
}

/** What the server says about this page: the content of `config.json`. */
export interface Config {
  readonly title: string;
  readonly version: string;
  readonly broker: BrokerAddress | { readonly url: string };
  readonly camera_url: string | null;
  readonly logo: string | null;
  readonly favicon: string | null;
  /** Origins, besides that of this page, from which pictures may be loaded. */
  readonly pictures: readonly string[];
  /** What the map may show below the nodes, besides the world. */
  readonly map: {
    /** Address of a floor plan. */
    readonly plan: string | null;
    readonly tiles: {
      /** Address of a map picture, with `{z}`, `{x}` and `{y}` in it. */
      readonly template: string;
      readonly attribution: string;
    } | null;
  };
}

export const CONFIG: InjectionKey<Config> = Symbol("config");

export function useConfig(): Config {
  const config = inject(CONFIG);
  if (config === undefined) throw new Error("No config was provided.");
  return config;
}

/** Origins from which the page may load pictures that nodes name. */
export const PICTURES: InjectionKey<readonly string[]> = Symbol("pictures");

/** The server's own words about this page. Throws when it cannot be had. */
export async function loadConfig(): Promise<Config> {
  const answer = await fetch("config.json", { cache: "no-cache" });
  if (!answer.ok) throw new Error(`config.json: ${answer.status} ${answer.statusText}`);
  return (await answer.json()) as Config;
}

/**
 * Where the broker is, for a page at the address `page`.
 *
 * A page that came by TLS may open none but connections by TLS, whatever the server thinks: it may
 * stand behind a proxy and not know. The broker's health is beside its websocket.
 */
export function addressesOf(broker: Config["broker"], page: string): Addresses {
  const socket = new URL(broker.url ?? `${origin(broker)}/ws`, page);
  const secure = socket.protocol === "wss:" || new URL(page).protocol === "https:";
  socket.protocol = secure ? "wss:" : "ws:";
  const health = new URL("health", socket);
  health.protocol = secure ? "https:" : "http:";
  return { socket: socket.href, health: health.href };
}

function origin({ host, port, secure }: BrokerAddress): string {
  const place = host.includes(":") ? `[${host}]` : host;
  return `${secure ? "wss" : "ws"}://${place}${port === null ? "" : `:${port}`}`;
}
