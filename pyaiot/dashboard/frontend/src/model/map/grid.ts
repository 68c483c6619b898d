// SPDX-License-Identifier: BSD-3-Clause
import { scaleOf, type Box } from "./camera";
import { clamp, metresAcross, placeAt, spotOf } from "./mercator";

/** A line of the graticule: where it is on the ground, and the degrees that it stands for. */
export interface Line {
  readonly at: number;
  readonly degrees: number;
}

export interface Graticule {
  readonly meridians: readonly Line[];
  readonly parallels: readonly Line[];
  /** Digits behind the point that tell the lines apart. */
  readonly digits: number;
}

/** Steps between two lines, in degrees. */
const STEPS = [30, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002, 0.0001] as const;
/** How far apart lines should at least be, in pixels. */
const APART = 90;

/** The meridians and parallels through a part of the world. */
export function graticule(box: Box, zoom: number): Graticule {
  const perDegree = scaleOf({ zoom }) / 360;
  const step = [...STEPS].reverse().find((each) => each * perDegree >= APART) ?? STEPS[0];
  const west = placeAt({ x: clamp(box.left, 0, 1), y: clamp(box.bottom, 0, 1) });
  const east = placeAt({ x: clamp(box.right, 0, 1), y: clamp(box.top, 0, 1) });
  return {
    meridians: multiples(step, west.lng, east.lng).map((degrees) => ({ degrees, at: spotOf({ lat: 0, lng: degrees }).x })),
    parallels: multiples(step, west.lat, east.lat).map((degrees) => ({ degrees, at: spotOf({ lat: degrees, lng: 0 }).y })),
    digits: Math.max(0, Math.ceil(-Math.log10(step))),
  };
}

function multiples(step: number, from: number, to: number): readonly number[] {
  const found: number[] = [];
  for (let count = Math.ceil(from / step); count * step <= to; count += 1) found.push(count * step);
  return found;
}

/** A length that is easily read, and its pixels at a zoom and at the height `y` of the world. */
export function scaleBar(zoom: number, y: number, most: number): { readonly metres: number; readonly pixels: number } {
  const perPixel = metresAcross(y) / scaleOf({ zoom });
  const longest = perPixel * most;
  const power = 10 ** Math.floor(Math.log10(longest));
  const metres = power * ([5, 2].find((each) => each * power <= longest) ?? 1);
  return { metres, pixels: metres / perPixel };
}
