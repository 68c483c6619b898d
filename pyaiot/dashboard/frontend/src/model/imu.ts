// SPDX-License-Identifier: BSD-3-Clause
import type { Json } from "../wire/messages";
import { structureOf } from "./value";

export type Triple = readonly [number, number, number];
/** A turn: w, x, y, z. */
export type Quaternion = readonly [number, number, number, number];

/** What the sensors of an inertial measurement unit said at once; a message may hold only one of them. */
export interface Motion {
  /** Acceleration, in thousandths of the earth's. */
  readonly acc?: Triple;
  /** Rate of turn around each axis, in degrees per second. */
  readonly gyro?: Triple;
  readonly mag?: Triple;
}

export const UPRIGHT: Quaternion = [1, 0, 0, 0];

/** Sensors in one message that are looked at. */
const MOST = 16;
/** A rate of turn holds no longer than this, in seconds: what happened in a pause nobody knows. */
const LONGEST_STEP = 1;

/** The motion in `[{"type": "acc", "values": [x, y, z]}, …]`, or null if there is none in it. */
export function motionOf(value: Json | undefined): Motion | null {
  const list = structureOf(value ?? null);
  if (!Array.isArray(list)) return null;
  const motion: { -readonly [name in keyof Motion]: Motion[name] } = {};
  for (const part of (list as readonly Json[]).slice(0, MOST)) {
    if (typeof part !== "object" || part === null || !("type" in part)) continue;
    const { type, values } = part;
    const triple = tripleOf(values);
    if (triple !== null && (type === "acc" || type === "gyro" || type === "mag")) motion[type] = triple;
  }
  return Object.keys(motion).length > 0 ? motion : null;
}

function tripleOf(values: Json | undefined): Triple | null {
  if (!Array.isArray(values) || values.length !== 3) return null;
  const [x, y, z] = (values as readonly Json[]).map(Number);
  return [x, y, z].every(Number.isFinite) ? [x ?? 0, y ?? 0, z ?? 0] : null;
}

/** The length of a vector. */
export function norm([x, y, z]: Triple): number {
  return Math.hypot(x, y, z);
}

/** How a body stands that turned for some seconds at a rate (degrees per second, its own axes). */
export function turned(from: Quaternion, rate: Triple, seconds: number): Quaternion {
  const span = Math.min(Math.max(seconds, 0), LONGEST_STEP);
  const angle = (norm(rate) * span * Math.PI) / 180;
  if (angle === 0) return from;
  const size = norm(rate);
  const sine = Math.sin(angle / 2) / size;
  return unit(product(from, [Math.cos(angle / 2), rate[0] * sine, rate[1] * sine, rate[2] * sine]));
}

function product([a, b, c, d]: Quaternion, [w, x, y, z]: Quaternion): Quaternion {
  return [
    a * w - b * x - c * y - d * z,
    a * x + b * w + c * z - d * y,
    a * y - b * z + c * w + d * x,
    a * z + b * y - c * x + d * w,
  ];
}

/** Without this the small errors of many turns would add up. */
function unit(turn: Quaternion): Quaternion {
  const size = Math.hypot(...turn);
  return size === 0 ? UPRIGHT : [turn[0] / size, turn[1] / size, turn[2] / size, turn[3] / size];
}

/** The angles of a turn in degrees, turned around z first, then y, then x. */
export function anglesOf([w, x, y, z]: Quaternion): { readonly roll: number; readonly pitch: number; readonly yaw: number } {
  const degrees = 180 / Math.PI;
  return {
    roll: Math.atan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y)) * degrees,
    pitch: Math.asin(Math.min(1, Math.max(-1, 2 * (w * y - z * x)))) * degrees,
    yaw: Math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z)) * degrees,
  };
}

/**
 * The same turn for CSS, where y points down: the sixteen numbers of `matrix3d`.
 *
 * Small numbers are rounded away, for CSS knows no exponents that all browsers read.
 */
export function matrixOf([w, x, y, z]: Quaternion): readonly number[] {
  const rows = [
    [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
    [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
    [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
  ];
  const matrix: number[] = [];
  for (let column = 0; column < 3; column += 1) {
    for (let row = 0; row < 3; row += 1) {
      const sign = (row === 1) === (column === 1) ? 1 : -1;
      matrix.push(Math.round(sign * (rows[row]?.[column] ?? 0) * 1e5) / 1e5 || 0);
    }
    matrix.push(0);
  }
  return [...matrix, 0, 0, 0, 1];
}
