// SPDX-License-Identifier: BSD-3-Clause
import type { Position } from "./position";

/** A point on a ground: x to the right and y down; the longer side of the ground is 1. */
export interface Spot {
  readonly x: number;
  readonly y: number;
}

/** Beyond this latitude, in degrees, there is no map: the poles are infinitely far away. */
export const MOST_LAT = 85.0511287798066;
/** The equator in metres (WGS 84). */
const EQUATOR = 40_075_016.7;

/** Where a place lies on the square of Web Mercator. */
export function spotOf({ lat, lng }: Position): Spot {
  const sine = Math.sin((clamp(lat, -MOST_LAT, MOST_LAT) * Math.PI) / 180);
  return { x: (lng + 180) / 360, y: 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI) };
}

/** The place at a spot of that square. */
export function placeAt({ x, y }: Spot): Position {
  const lat = (Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) * 180) / Math.PI;
  return { lat, lng: x * 360 - 180 };
}

/** How many metres on earth the whole square is wide, at the height `y` of it. */
export function metresAcross(y: number): number {
  return EQUATOR * Math.cos((placeAt({ x: 0, y }).lat * Math.PI) / 180);
}

export function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
