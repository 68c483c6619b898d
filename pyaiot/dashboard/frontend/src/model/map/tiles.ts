// SPDX-License-Identifier: BSD-3-Clause
import { boxOf, TILE, type Camera, type Size } from "./camera";
import { clamp } from "./mercator";

/** A map picture. */
export interface Tile {
  readonly key: string;
  readonly url: string;
  /** Where it is on the ground, and how wide. */
  readonly x: number;
  readonly y: number;
  readonly side: number;
}

/** How near tile servers usually go. */
export const NEAREST_TILE = 19;
/** Pictures that a sight may take; a window larger than the largest screens gets coarser ones. */
const MOST = 400;

/** The pictures for a sight, those in the middle first. */
export function tilesFor(camera: Camera, size: Size, template: string): readonly Tile[] {
  let level = clamp(Math.round(camera.zoom), 0, NEAREST_TILE);
  while (level > 0 && (size.width * size.height) / (TILE * 2 ** (camera.zoom - level)) ** 2 > MOST) level -= 1;
  const across = 2 ** level;
  const box = boxOf(camera, size);
  const last = across - 1;
  const tiles: Tile[] = [];
  for (let y = clamp(Math.floor(box.top * across), 0, last); y <= clamp(Math.floor(box.bottom * across), 0, last); y += 1) {
    for (let x = clamp(Math.floor(box.left * across), 0, last); x <= clamp(Math.floor(box.right * across), 0, last); x += 1) {
      const url = template.replace("{z}", String(level)).replace("{x}", String(x)).replace("{y}", String(y));
      tiles.push({ key: `${level}/${x}/${y}`, url, x: x / across, y: y / across, side: 1 / across });
    }
  }
  const away = ({ x, y, side }: Tile): number => Math.hypot(x + side / 2 - camera.x, y + side / 2 - camera.y);
  return tiles.sort((one, other) => away(one) - away(other));
}
