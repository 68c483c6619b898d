// SPDX-License-Identifier: BSD-3-Clause
import { clamp, placeAt, spotOf, type Spot } from "./mercator";

/** What of a ground is looked at: the middle, and how near; at zoom 0 the ground is a tile large. */
export interface Camera extends Spot {
  readonly zoom: number;
}

/** The room there is, in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A part of a ground. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** How near and how far one may look. */
export interface Reach {
  readonly nearest: number;
  /** The width and height of the ground; the larger of them is 1. */
  readonly ground: Size;
}

/** Pixels of a tile, and so of the whole ground at zoom 0. */
export const TILE = 256;
/** Part of the room, to each side, that stays free around what has to be seen. */
const MARGIN = 0.12;

/** Pixels between two points that are 1 apart. */
export function scaleOf({ zoom }: Pick<Camera, "zoom">): number {
  return TILE * 2 ** zoom;
}

/** Where a spot is seen, in pixels from the upper left. */
export function seenAt(camera: Camera, size: Size, spot: Spot): Spot {
  const scale = scaleOf(camera);
  return { x: (spot.x - camera.x) * scale + size.width / 2, y: (spot.y - camera.y) * scale + size.height / 2 };
}

/** The spot that is seen at a pixel. */
export function spotAt(camera: Camera, size: Size, pixel: Spot): Spot {
  const scale = scaleOf(camera);
  return { x: camera.x + (pixel.x - size.width / 2) / scale, y: camera.y + (pixel.y - size.height / 2) / scale };
}

/** What is in sight, and `margin` pixels more to each side. */
export function boxOf(camera: Camera, size: Size, margin = 0): Box {
  const from = spotAt(camera, size, { x: -margin, y: -margin });
  const to = spotAt(camera, size, { x: size.width + margin, y: size.height + margin });
  return { left: from.x, top: from.y, right: to.x, bottom: to.y };
}

/** Moved by pixels: what was in the middle is then so far to the left and above. */
export function panned(camera: Camera, right: number, down: number): Camera {
  const scale = scaleOf(camera);
  return { ...camera, x: camera.x + right / scale, y: camera.y + down / scale };
}

/** Another zoom, while the spot at a pixel stays where it is seen. */
export function zoomedAt(camera: Camera, size: Size, zoom: number, pixel: Spot): Camera {
  const spot = spotAt(camera, size, pixel);
  const scale = scaleOf({ zoom });
  return { x: spot.x - (pixel.x - size.width / 2) / scale, y: spot.y - (pixel.y - size.height / 2) / scale, zoom };
}

/** How far away the whole ground is in sight. */
export function farthest(size: Size, { ground }: Reach): number {
  return Math.log2(Math.min(size.width / ground.width, size.height / ground.height) / TILE);
}

/** The camera as near as it may be to `camera`: on the ground, and neither too near nor too far. */
export function bounded(camera: Camera, size: Size, reach: Reach): Camera {
  const far = farthest(size, reach);
  return {
    zoom: clamp(camera.zoom, Math.min(far, reach.nearest), reach.nearest),
    x: clamp(camera.x, 0, reach.ground.width),
    y: clamp(camera.y, 0, reach.ground.height),
  };
}

/** A camera that sees all spots, from no nearer than `nearest`; the whole ground where there are none. */
export function fitted(spots: readonly Spot[], size: Size, reach: Reach, nearest = reach.nearest): Camera {
  if (spots.length === 0) {
    return { x: reach.ground.width / 2, y: reach.ground.height / 2, zoom: farthest(size, reach) };
  }
  const box = around(spots);
  const room = 1 - 2 * MARGIN;
  const scale = Math.min(
    (size.width * room) / (box.right - box.left),
    (size.height * room) / (box.bottom - box.top),
  );
  const zoom = Math.min(nearest, Math.log2(scale / TILE));
  return bounded({ x: (box.left + box.right) / 2, y: (box.top + box.bottom) / 2, zoom }, size, reach);
}

function around(spots: readonly Spot[]): Box {
  const box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
  for (const { x, y } of spots) {
    box.left = Math.min(box.left, x);
    box.top = Math.min(box.top, y);
    box.right = Math.max(box.right, x);
    box.bottom = Math.max(box.bottom, y);
  }
  return box;
}

/** A part of the way from one camera to another: 0 is the first, 1 the second. */
export function between(from: Camera, to: Camera, part: number): Camera {
  const zoom = from.zoom + (to.zoom - from.zoom) * part;
  // Seen from nearer, the same way is longer: what is on the screen then moves evenly.
  const [near, far] = [scaleOf(from), scaleOf(to)];
  const way = Math.abs(near / far - 1) < 1e-6 ? part : (1 / scaleOf({ zoom }) - 1 / near) / (1 / far - 1 / near);
  return { x: from.x + (to.x - from.x) * way, y: from.y + (to.y - from.y) * way, zoom };
}

/** The camera as an address says it: latitude and longitude of the middle, and the zoom. */
export function earthText(camera: Camera): string {
  const { lat, lng } = placeAt(camera);
  // A pixel is so many degrees; more digits than it has would say nothing.
  const digits = clamp(Math.ceil(Math.log10(scaleOf(camera) / 360)) + 1, 1, 7);
  return `${rounded(lat, digits)},${rounded(lng, digits)},${rounded(camera.zoom, 2)}`;
}

/** The camera that such a text says, or null. */
export function earthCamera(text: string | undefined): Camera | null {
  const [lat, lng, zoom] = numbersOf(text) ?? [];
  if (lat === undefined || lng === undefined || zoom === undefined) return null;
  if (Math.abs(lat) > 90 || Math.abs(lng) > 180) return null;
  return { ...spotOf({ lat, lng }), zoom };
}

/** The same for a floor plan, where the middle is a part of its width and height. */
export function planText(camera: Camera, ground: Size): string {
  return `${rounded(camera.x / ground.width, 4)},${rounded(camera.y / ground.height, 4)},${rounded(camera.zoom, 2)}`;
}

export function planCamera(text: string | undefined, ground: Size): Camera | null {
  const [x, y, zoom] = numbersOf(text) ?? [];
  if (x === undefined || y === undefined || zoom === undefined) return null;
  if (x < 0 || x > 1 || y < 0 || y > 1) return null;
  return { x: x * ground.width, y: y * ground.height, zoom };
}

function numbersOf(text: string | undefined): readonly number[] | null {
  if (text === undefined || !/^-?\d{1,3}(\.\d{1,10})?(,-?\d{1,3}(\.\d{1,10})?){2}$/.test(text)) return null;
  return text.split(",").map(Number);
}

function rounded(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)));
}
