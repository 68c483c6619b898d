// SPDX-License-Identifier: BSD-3-Clause
import { SHAPES, type Shape, type ToPage } from "./messages";

/**
 * The messages in a frame, which holds one or an array of them.
 *
 * What is no message, of a type from the future, or of the wrong shape is left out: a page that
 * stops because of one strange message helps nobody.
 */
export function decode(frame: string): readonly ToPage[] {
  let content: unknown;
  try {
    content = JSON.parse(frame);
  } catch {
    return [];
  }
  const candidates: unknown[] = Array.isArray(content) ? content : [content];
  return candidates.filter(isMessage);
}

function isMessage(candidate: unknown): candidate is ToPage {
  if (!isObject(candidate)) return false;
  const { type } = candidate;
  return typeof type === "string" && isKnown(type) && fits(candidate, SHAPES[type]);
}

function isKnown(type: string): type is ToPage["type"] {
  return Object.hasOwn(SHAPES, type);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a decoded value is of a shape; members that the shape does not name are let through. */
export function fits(value: unknown, shape: Shape): boolean {
  if (shape === "any") return value !== undefined;
  if (typeof shape === "string") return typeof value === shape;
  if ("oneOf" in shape) return typeof value === "string" && shape.oneOf.includes(value);
  if ("listOf" in shape) return Array.isArray(value) && value.every((item) => fits(item, shape.listOf));
  if ("tuple" in shape) {
    return (
      Array.isArray(value) &&
      value.length === shape.tuple.length &&
      shape.tuple.every((part, index) => fits(value[index], part))
    );
  }
  if (!isObject(value)) return false;
  if ("mapOf" in shape) return Object.values(value).every((item) => fits(item, shape.mapOf));
  return Object.entries(shape.object).every(([name, part]) =>
    name.endsWith("?")
      ? !Object.hasOwn(value, name.slice(0, -1)) || fits(value[name.slice(0, -1)], part)
      : Object.hasOwn(value, name) && fits(value[name], part),
  );
}
