// SPDX-License-Identifier: BSD-3-Clause
import { lookOf, type Look } from "./model/look";
import type { Preferences } from "./model/preferences";

const DARK = matchMedia("(prefers-color-scheme: dark)");
const CONTRAST = matchMedia("(prefers-contrast: more)");
const STILLNESS = matchMedia("(prefers-reduced-motion: reduce)");

/** Let the whole page look as somebody prefers; the styles follow these attributes. */
export function wear(preferences: Preferences): Look {
  const look = lookOf(preferences, {
    dark: DARK.matches,
    contrast: CONTRAST.matches,
    stillness: STILLNESS.matches,
  });
  Object.assign(document.documentElement.dataset, look);
  return look;
}

/** Call back whenever the system asks for another look. */
export function whenAskedAnew(callback: () => void): void {
  for (const query of [DARK, CONTRAST, STILLNESS]) query.addEventListener("change", callback);
}
