// SPDX-License-Identifier: BSD-3-Clause
import { readonly, shallowRef, type ShallowRef } from "vue";

import { moved, parsePlace, placeText, type Place, type View } from "./model/place";

const current: ShallowRef<Place> = shallowRef({ view: "cards", params: {} });

/** Where on the page we are; the address bar says the same. */
export const place = readonly(current);

/** Follow the address bar from now on; `fallback` is the view of an address that names none. */
export function followAddress(fallback: View): void {
  const read = (): void => {
    current.value = parsePlace(location.hash, fallback);
  };
  window.addEventListener("popstate", read);
  window.addEventListener("hashchange", read);
  read();
}

/**
 * Go somewhere else on the page.
 *
 * A step that people would want to take back with the browser's button makes an entry of its own;
 * with `quietly` (typing into a filter) it takes the place of the last one.
 */
export function go(change: Parameters<typeof moved>[1], { quietly = false } = {}): void {
  const next = moved(current.value, change);
  const text = placeText(next);
  if (text === location.hash) return;
  if (quietly) history.replaceState(null, "", text);
  else history.pushState(null, "", text);
  current.value = next;
}
