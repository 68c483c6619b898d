// SPDX-License-Identifier: BSD-3-Clause
import { readonly, shallowRef, type ShallowRef } from "vue";

import { parsePreferences, preferencesText, USUAL, type Preferences } from "./model/preferences";

const KEY = "pyaiot";

const current: ShallowRef<Preferences> = shallowRef(stored());

/** What somebody chose for this page, in this browser. */
export const preferences = readonly(current);

/** Choose something else; it is kept for the next visit, and other tabs follow. */
export function prefer(change: Partial<Preferences>): void {
  current.value = { ...current.value, ...change };
  try {
    localStorage.setItem(KEY, preferencesText(current.value));
  } catch {
    // Where the browser keeps nothing it still holds for this visit.
  }
}

window.addEventListener("storage", ({ key }) => {
  if (key === KEY || key === null) current.value = stored();
});

function stored(): Preferences {
  try {
    return parsePreferences(localStorage.getItem(KEY) ?? "{}");
  } catch {
    return USUAL;
  }
}
