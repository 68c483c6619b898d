// SPDX-License-Identifier: BSD-3-Clause
import type { Preferences } from "./preferences";

/** How the page looks, once it is settled what "as the system" means. */
export interface Look {
  readonly theme: "light" | "dark";
  readonly contrast: "usual" | "more";
  readonly motion: "usual" | "less";
}

/** What the system asks of pages. */
export interface Wishes {
  readonly dark: boolean;
  readonly contrast: boolean;
  readonly stillness: boolean;
}

/**
 * The look that was chosen here, and otherwise the one the system asks for.
 *
 * More contrast and less motion are needs: what the system asks for is not refused.
 */
export function lookOf(
  { theme, contrast, motion }: Pick<Preferences, "theme" | "contrast" | "motion">,
  wishes: Wishes,
): Look {
  return {
    theme: theme === "system" ? (wishes.dark ? "dark" : "light") : theme,
    contrast: contrast === "more" || wishes.contrast ? "more" : "usual",
    motion: motion === "less" || wishes.stillness ? "less" : "usual",
  };
}
