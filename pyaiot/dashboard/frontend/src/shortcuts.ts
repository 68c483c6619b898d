// SPDX-License-Identifier: BSD-3-Clause
import { onBeforeUnmount, onMounted } from "vue";

import { go, place } from "./address";
import { dialog } from "./dialogs";
import type { View } from "./model/place";
import { look, prefer, preferences } from "./settings";

/** Keys that do something anywhere on the page, in the order in which they are listed. */
export const SHORTCUTS: readonly { readonly keys: readonly string[]; readonly words: string; readonly act: () => void }[] = [
  { keys: ["/"], words: "search.open", act: () => { dialog.value = "search"; } },
  { keys: ["g", "c"], words: "search.goCards", act: view("cards") },
  { keys: ["g", "t"], words: "search.goTable", act: view("table") },
  { keys: ["g", "m"], words: "search.goMap", act: view("map") },
  { keys: ["t"], words: "search.turnTheme", act: turnTheme },
  { keys: ["k"], words: "search.kiosk", act: toggleKiosk },
  { keys: ["."], words: "search.openSettings", act: () => { dialog.value = "settings"; } },
  { keys: ["?"], words: "search.openShortcuts", act: () => { dialog.value = "shortcuts"; } },
];

/** How long the second key of two may take, in milliseconds. */
const PATIENCE = 1_500;

export function turnTheme(): void {
  prefer({ theme: look.value.theme === "dark" ? "light" : "dark" });
}

export function toggleKiosk(): void {
  go({ params: { kiosk: place.value.params.kiosk === "1" ? null : "1" } });
}

function view(name: View): () => void {
  return () => {
    go({ view: name });
  };
}

/** Follow the keys while a component is there. */
export function useShortcuts(): void {
  let first = "";
  let at = 0;

  function pressed(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.isComposing) return;
    // Not a single key, so that it may stay where those are switched off.
    if (event.key === "k" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey) {
      event.preventDefault();
      dialog.value ??= "search";
      return;
    }
    if (!preferences.value.shortcuts || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key.length !== 1 || isTaken() || isTyping(event.composedPath()[0])) return;
    const before = event.timeStamp - at < PATIENCE ? first : "";
    const found = SHORTCUTS.find(({ keys }) => keys.join() === (keys.length > 1 ? [before, event.key].join() : event.key));
    first = "";
    if (found !== undefined) {
      event.preventDefault();
      found.act();
    } else if (SHORTCUTS.some(({ keys }) => keys.length > 1 && keys[0] === event.key)) {
      first = event.key;
      at = event.timeStamp;
    }
  }

  onMounted(() => {
    window.addEventListener("keydown", pressed);
  });
  onBeforeUnmount(() => {
    window.removeEventListener("keydown", pressed);
  });
}

/** Whether something is open that is to be answered before anything else. */
function isTaken(): boolean {
  return dialog.value !== null || document.querySelector("dialog:modal") !== null;
}

/**
 * Whether keys mean letters there, or choose among the items of a menu.
 *
 * Where an element is within another's shadow it takes the innermost to tell.
 */
function isTyping(target: EventTarget | undefined): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.closest("input, textarea, select, [role=menu], [role=listbox], [role=textbox]") !== null)
  );
}
