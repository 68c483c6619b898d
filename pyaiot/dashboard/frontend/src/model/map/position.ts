// SPDX-License-Identifier: BSD-3-Clause
import type { Json } from "../../wire/messages";
import { structureOf } from "../value";

/** A place on earth, in degrees. */
export interface Position {
  readonly lat: number;
  readonly lng: number;
}

/** The resource that says where a node is. */
export const POSITION = "position";

/** The place that a value names, or null where it names none that there is. */
export function positionOf(value: Json | undefined): Position | null {
  const said = value === undefined ? null : structureOf(value);
  if (said === null || Array.isArray(said)) return null;
  const { lat, lng } = said as Readonly<Record<string, Json>>;
  return isWithin(lat, 90) && isWithin(lng, 180) ? { lat, lng } : null;
}

function isWithin(value: Json | undefined, most: number): value is number {
  return typeof value === "number" && Math.abs(value) <= most;
}
