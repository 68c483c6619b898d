// SPDX-License-Identifier: BSD-3-Clause
import type { Json } from "../wire/messages";
import { quantityOf } from "./value";

/** How an update of a node's firmware stands. */
export type Stand = "idle" | "working" | "failed" | "done" | "unknown";

export interface Firmware {
  readonly stand: Stand;
  /** The number that the node said, as text; for what it means see the words. */
  readonly state: string;
  /** Whether there are words for the number. */
  readonly known: boolean;
  /** How much of the new firmware has come, in percent; null when none is coming. */
  readonly percent: number | null;
}

/** What the numbers of `suit_state` mean (WIRE.md section 7). */
const STANDS: readonly Stand[] = [
  "idle", // 0
  "working", // 1: triggered
  "working", // 2: validates the signature
  "failed", // 3: signature error
  "working", // 4: signature is right
  "failed", // 5: sequence number error
  "working", // 6: downloads
  "working", // 7: download goes on
  "failed", // 8: download error
  "working", // 9: validates the digest
  "failed", // 10: digest error
  "done", // 11: completed
  "working", // 12: reboots
];
const DOWNLOADING: ReadonlySet<number> = new Set([6, 7]);

/** An update, by what the node says of its state (`suit_state`) and of the download (`dwnld`). */
export function firmwareOf(state: Json | undefined, download: Json | undefined): Firmware {
  const number = quantityOf(state)?.number ?? Number.NaN;
  const stand = STANDS[number];
  if (stand === undefined) {
    const text = typeof state === "string" ? state.trim() : JSON.stringify(state ?? "");
    return { stand: "unknown", state: text, known: false, percent: null };
  }
  return { stand, state: String(number), known: true, percent: DOWNLOADING.has(number) ? percentOf(download) : null };
}

function percentOf(download: Json | undefined): number | null {
  const number = quantityOf(download)?.number;
  return number === undefined || !Number.isFinite(number) ? null : Math.min(100, Math.max(0, number));
}
