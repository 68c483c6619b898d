// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, it } from "vitest";

const [css = ""] = Object.values(
  import.meta.glob<string>("../../src/style/base.css", { eager: true, query: "?raw", import: "default" }),
);

/** The colours that a rule of the page's styles sets. */
function coloursOf(selector: string): Record<string, string> {
  const begin = css.indexOf(`${selector} {`);
  expect(begin).toBeGreaterThan(-1);
  const rule = css.slice(begin, css.indexOf("}", begin));
  const set = [...rule.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)];
  return Object.fromEntries(set.map(([, name = "", colour = ""]): [string, string] => [name, colour]));
}

const light = coloursOf(":root");
const dark = { ...light, ...coloursOf(':root[data-theme="dark"]') };
const more = coloursOf(':root[data-contrast="more"]');
const darkMore = coloursOf(':root[data-contrast="more"][data-theme="dark"]');

/** By WCAG 2.2. */
function contrast(one: string, other: string): number {
  const [a = 0, b = 0] = [one, other].map(luminance).sort((x, y) => y - x);
  return (a + 0.05) / (b + 0.05);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

const GROUNDS = ["paper", "card", "tile"];
const TEXTS = ["ink", "ink-soft", "quiet", "accent-ink", "good", "warn", "bad"];
const SHAPES = ["edge", "accent", "good", "warn", "bad"];

describe.each([
  { look: "light", colours: light, least: 4.5 },
  { look: "dark", colours: dark, least: 4.5 },
  { look: "light with more contrast", colours: { ...light, ...more }, least: 7 },
  { look: "dark with more contrast", colours: { ...dark, ...more, ...darkMore }, least: 7 },
])("$look", ({ colours, least }) => {
  const between = (one: string, other: string): number => contrast(colours[one] ?? "", colours[other] ?? "");

  it.each([
    ...TEXTS.flatMap((text) => GROUNDS.map((ground) => [text, ground] as const)),
    ["warn-ink", "warn-paper"] as const,
    ["on-accent", "accent"] as const,
    ["accent-ink", "accent-paper"] as const,
    ["ink", "accent-paper"] as const,
  ])("%s can be read on %s", (text, ground) => {
    expect(between(text, ground)).toBeGreaterThanOrEqual(least);
  });

  it.each(SHAPES.flatMap((shape) => GROUNDS.map((ground) => [shape, ground] as const)))("%s is seen on %s", (shape, ground) => {
    expect(between(shape, ground)).toBeGreaterThanOrEqual(3);
  });
});
