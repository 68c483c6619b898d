// SPDX-License-Identifier: BSD-3-Clause
import { feature, mesh } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";

import type { Box } from "./camera";
import { spotOf, type Spot } from "./mercator";

/** A line on the ground: x and y by turns, and the part of the ground that it takes. */
export interface Outline extends Box {
  readonly points: Float64Array;
}

export interface World {
  /** Closed lines around land, and around lakes in it. */
  readonly land: readonly Outline[];
  /** Between countries. */
  readonly borders: readonly Outline[];
}

export type Atlas = Topology<{ countries: GeometryCollection; land: GeometryCollection }>;

/** The lines of an atlas, on the square of Web Mercator. */
export function worldOf(atlas: Atlas): World {
  const rings: Outline[] = [];
  for (const { geometry } of feature(atlas, atlas.objects.land).features) {
    const polygons =
      geometry.type === "Polygon" ? [geometry.coordinates] : geometry.type === "MultiPolygon" ? geometry.coordinates : [];
    for (const polygon of polygons) rings.push(...polygon.flatMap((ring) => onBothSides(closed(unwound(ring)))));
  }
  const borders = mesh(atlas, atlas.objects.countries, (one, other) => one !== other).coordinates;
  return { land: rings, borders: borders.flatMap((line) => onBothSides(unwound(line))) };
}

/**
 * A line of an atlas as spots.
 *
 * Atlases are made for globes: a line may step over the 180th meridian. Here it goes on beyond the
 * edge of the map.
 */
function unwound(line: readonly (readonly number[])[]): Spot[] {
  let turns = 0;
  let last = line[0]?.[0] ?? 0;
  return line.map(([lng = 0, lat = 0]) => {
    if (lng - last > 180) turns -= 1;
    else if (last - lng > 180) turns += 1;
    last = lng;
    return spotOf({ lat, lng: lng + turns * 360 });
  });
}

/** A line around a pole ends a whole turn from where it began; the pole lies at the map's edge. */
function closed(ring: Spot[]): Spot[] {
  const [first, last] = [ring[0], ring.at(-1)];
  if (first === undefined || last === undefined || Math.abs(last.x - first.x) < 0.5) return ring;
  const y = last.y > 0.5 ? 1 : 0;
  return [...ring, { x: last.x, y }, { x: first.x, y }];
}

/** The line, and once more where it reaches over the edge of the map. */
function onBothSides(spots: readonly Spot[]): readonly Outline[] {
  const outline = outlineOf(spots, 0);
  return [
    outline,
    ...(outline.right > 1 ? [outlineOf(spots, -1)] : []),
    ...(outline.left < 0 ? [outlineOf(spots, 1)] : []),
  ];
}

function outlineOf(spots: readonly Spot[], aside: number): Outline {
  const points = new Float64Array(spots.length * 2);
  const box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
  for (const [index, spot] of spots.entries()) {
    const x = spot.x + aside;
    points[index * 2] = x;
    points[index * 2 + 1] = spot.y;
    box.left = Math.min(box.left, x);
    box.top = Math.min(box.top, spot.y);
    box.right = Math.max(box.right, x);
    box.bottom = Math.max(box.bottom, spot.y);
  }
  return { points, ...box };
}

/** Whether anything of one part of a ground is in another. */
export function meet(one: Box, other: Box): boolean {
  return one.left <= other.right && one.right >= other.left && one.top <= other.bottom && one.bottom >= other.top;
}

/**
 * What of a closed line lies in a box (Sutherland and Hodgman).
 *
 * Seen from near, a coast reaches millions of pixels far; nobody should have to draw that.
 */
export function clipped(points: Float64Array, box: Box): Float64Array {
  let rest = cut(points, 0, box.left, 1);
  rest = cut(rest, 0, box.right, -1);
  rest = cut(rest, 1, box.top, 1);
  return cut(rest, 1, box.bottom, -1);
}

/** What lies on one side of a line along an axis. */
function cut(points: Float64Array, axis: 0 | 1, edge: number, side: 1 | -1): Float64Array {
  const kept: number[] = [];
  const count = points.length;
  for (let at = 0; at < count; at += 2) {
    const before = (at + count - 2) % count;
    const [x, y, fromX, fromY] = [points[at] ?? 0, points[at + 1] ?? 0, points[before] ?? 0, points[before + 1] ?? 0];
    const to = ((axis === 0 ? x : y) - edge) * side;
    const from = ((axis === 0 ? fromX : fromY) - edge) * side;
    if (to >= 0 !== from >= 0) {
      const part = from / (from - to);
      kept.push(fromX + (x - fromX) * part, fromY + (y - fromY) * part);
    }
    if (to >= 0) kept.push(x, y);
  }
  return Float64Array.from(kept);
}
