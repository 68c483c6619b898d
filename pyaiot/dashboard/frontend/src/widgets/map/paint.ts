// SPDX-License-Identifier: BSD-3-Clause
import { boxOf, scaleOf, seenAt, type Camera, type Size } from "../../model/map/camera";
import { graticule } from "../../model/map/grid";
import { clipped, meet, type Outline, type World } from "../../model/map/outline";

export interface Colours {
  readonly land: string;
  readonly coast: string;
  readonly border: string;
  readonly grid: string;
}

/** Corners nearer to each other than this, in pixels, are drawn as one. */
const FINEST = 0.6;
/** Outlines that are this much larger than the picture are cut before they are drawn. */
const HUGE = 4;
/** How far beyond the picture they are cut, in pixels, so that the cut is not seen. */
const BEYOND = 8;

/** Draw the world, as far as a camera sees it. Without a world, only the graticule. */
export function paint(
  context: CanvasRenderingContext2D,
  { camera, size, world, colours }: { camera: Camera; size: Size; world: World | null; colours: Colours },
): void {
  context.clearRect(0, 0, size.width, size.height);
  context.lineJoin = "round";
  if (world !== null) {
    context.save();
    const from = seenAt(camera, size, { x: 0, y: 0 });
    context.beginPath();
    context.rect(from.x, from.y, scaleOf(camera), scaleOf(camera));
    context.clip();
    context.beginPath();
    for (const outline of world.land) trace(context, outline, camera, size, true);
    context.fillStyle = colours.land;
    // Lakes are lines within lines.
    context.fill("evenodd");
    context.strokeStyle = colours.coast;
    context.lineWidth = 1;
    context.stroke();
    context.beginPath();
    for (const outline of world.borders) trace(context, outline, camera, size, false);
    context.strokeStyle = colours.border;
    context.stroke();
    context.restore();
  }
  grid(context, camera, size, colours);
}

function trace(context: CanvasRenderingContext2D, outline: Outline, camera: Camera, size: Size, closed: boolean): void {
  const scale = scaleOf(camera);
  const box = boxOf(camera, size, BEYOND);
  if (!meet(outline, box)) return;
  const large = Math.max(outline.right - outline.left, outline.bottom - outline.top) * scale;
  const isHuge = large > HUGE * Math.max(size.width, size.height);
  const points = closed && isHuge ? clipped(outline.points, box) : outline.points;
  const left = size.width / 2 - camera.x * scale;
  const top = size.height / 2 - camera.y * scale;
  let lastX = Infinity;
  let lastY = Infinity;
  for (let at = 0; at < points.length; at += 2) {
    const x = (points[at] ?? 0) * scale + left;
    const y = (points[at + 1] ?? 0) * scale + top;
    if (at === 0) context.moveTo(x, y);
    else if (Math.abs(x - lastX) < FINEST && Math.abs(y - lastY) < FINEST && at < points.length - 2) continue;
    else context.lineTo(x, y);
    lastX = x;
    lastY = y;
  }
  if (closed) context.closePath();
}

function grid(context: CanvasRenderingContext2D, camera: Camera, size: Size, colours: Colours): void {
  const scale = scaleOf(camera);
  const lines = graticule(boxOf(camera, size), camera.zoom);
  const left = (at: number): number => Math.round((at - camera.x) * scale + size.width / 2) + 0.5;
  const top = (at: number): number => Math.round((at - camera.y) * scale + size.height / 2) + 0.5;
  context.beginPath();
  for (const { at } of lines.meridians) {
    context.moveTo(left(at), Math.max(0, top(0)));
    context.lineTo(left(at), Math.min(size.height, top(1)));
  }
  for (const { at } of lines.parallels) {
    context.moveTo(Math.max(0, left(0)), top(at));
    context.lineTo(Math.min(size.width, left(1)), top(at));
  }
  context.strokeStyle = colours.grid;
  context.lineWidth = 1;
  context.stroke();
}
