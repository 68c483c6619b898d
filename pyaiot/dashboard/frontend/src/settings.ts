// SPDX-License-Identifier: BSD-3-Clause
import { readonly, shallowRef, watch, type ShallowRef } from "vue";

import { wear, whenAskedAnew } from "./look";
import type { Look } from "./model/look";
import type { Preferences } from "./model/preferences";
import { KEY, store, stored } from "./stored";

const current: ShallowRef<Preferences> = shallowRef(stored());
const worn: ShallowRef<Look> = shallowRef(wear(current.value));

/** What somebody chose for this page, in this browser. */
export const preferences = readonly(current);

/** How the page looks by that; for what styles alone cannot follow. */
export const look = readonly(worn);

/** Choose something else; it is kept for the next visit, and other tabs follow. */
export function prefer(change: Partial<Preferences>): void {
  current.value = { ...current.value, ...change };
  store(current.value);
}

function dress(): void {
  worn.value = wear(current.value);
}

watch(current, dress, { flush: "sync" });
whenAskedAnew(dress);

window.addEventListener("storage", ({ key }) => {
  if (key === KEY || key === null) current.value = stored();
});
