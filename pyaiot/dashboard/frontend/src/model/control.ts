// SPDX-License-Identifier: BSD-3-Clause
import type { Json } from "../wire/messages";
import type { Order, Phase } from "./state";
import { isLed, isOn } from "./value";

/** Characters, and bytes in UTF-8, that can be sent to a node at once. */
export const LONGEST_PAYLOAD = 65_536;

/** What switches a resource on or off, in the words in which the node tells its value. */
export function switching(endpoint: string, value: Json | undefined, on: boolean): string {
  if (typeof value === "boolean") return isLed(endpoint) ? digit(on) : String(on);
  if (typeof value !== "string" || isOn(value) === null || /^[01]$/.test(value)) return digit(on);
  const word = value.toLowerCase() === "on" || value.toLowerCase() === "off" ? onOff(on) : String(on);
  return inCaseOf(value, isLed(endpoint) && (word === "true" || word === "false") ? digit(on) : word);
}

function digit(on: boolean): string {
  return on ? "1" : "0";
}

function onOff(on: boolean): string {
  return on ? "on" : "off";
}

/** `word` with capitals where `example` has them: all, the first, or none. */
function inCaseOf(example: string, word: string): string {
  if (example === example.toUpperCase()) return word.toUpperCase();
  const first = example.charAt(0);
  return first === first.toUpperCase() ? word.charAt(0).toUpperCase() + word.slice(1) : word;
}

/** Whether an order is under way, so that a node need not be asked again. */
export function isBusy(phase: Phase | undefined): boolean {
  return phase === "pressed" || phase === "sent" || phase === "queued";
}

/** Whether an order is between this page and the node; one for a sleeping node only waits. */
export function isTravelling(phase: Phase | undefined): boolean {
  return phase === "pressed" || phase === "sent";
}

// CoAP's 4.05 is the one refusal by which a node says that it will never be otherwise.
const FIXED = /^4\.05\b|\bmethod not allowed\b|\bread-?\s?only\b/i;

/** Whether a node refused an order because the resource cannot be set at all. */
export function provesFixed(order: Order | null): boolean {
  return order?.phase === "failed" && FIXED.test(order.reason);
}

/** Bytes of a text in UTF-8. */
export function sizeOf(text: string): number {
  return new TextEncoder().encode(text).length;
}
