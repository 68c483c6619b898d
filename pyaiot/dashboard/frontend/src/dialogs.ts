// SPDX-License-Identifier: BSD-3-Clause
import { shallowRef } from "vue";

export type Dialog = "search" | "settings" | "shortcuts";

/** The dialog that is open over the page. */
export const dialog = shallowRef<Dialog | null>(null);

export function closeDialog(): void {
  dialog.value = null;
}
