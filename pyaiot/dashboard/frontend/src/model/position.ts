// SPDX-License-Identifier: BSD-3-Clause
import type { Json } from "../wire/messages";
import { structureOf } from "./value";

/** A place on earth, in degrees. */
export interface Position {
  readonly lat: number;
  readonly lng: number;
}

/** The place in `{"lat": …, "lng": …}`, or null if it names none. */
export function positionOf(value: Json | undefined): Position | null {
  const structure = structureOf(value ?? null);
  if (structure === null || !("lat" in structure) || !("lng" in structure)) return null;
  const { lat, lng } = structure;
  return isDegrees(lat, 90) && isDegrees(lng, 180) ? { lat, lng } : null;
}

function isDegrees(value: Json | undefined, most: number): value is number {
  return typeof value === "number" && Math.abs(value) <= most;
}
