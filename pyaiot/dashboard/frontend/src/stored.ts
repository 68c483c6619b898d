// SPDX-License-Identifier: BSD-3-Clause
import { parsePreferences, preferencesOfOriginal, preferencesText, USUAL, type Preferences } from "./model/preferences";

/** Where the browser keeps the preferences. */
export const KEY = "pyaiot";

/** The preferences that this browser keeps; the usual ones where it keeps none. */
export function stored(): Preferences {
  try {
    const text = localStorage.getItem(KEY);
    return text === null ? preferencesOfOriginal((name) => localStorage.getItem(name)) : parsePreferences(text);
  } catch {
    return USUAL;
  }
}

/** Keep the preferences. Where the browser keeps nothing they hold for this visit. */
export function store(preferences: Preferences): void {
  try {
    localStorage.setItem(KEY, preferencesText(preferences));
  } catch {
    // Its room is full, or somebody forbade it.
  }
}
