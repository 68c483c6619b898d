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

/** Follow a link as `go` does, where the browser should not do it by itself. */
export function follow(event: MouseEvent, change: Parameters<typeof moved>[1]): void {
  // With a key, people want it in a tab of its own; the browser knows how.
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go(change);
}

/**
 * A parameter of the place that is a secret, as a link brought it: it is taken from the address at
 * once, and so from the browser's history.
 */
export function takeSecret(name: string): string {
  const secret = current.value.params[name] ?? "";
  if (secret !== "") go({ params: { [name]: null } }, { quietly: true });
  return secret;
}
