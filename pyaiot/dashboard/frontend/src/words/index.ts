// SPDX-License-Identifier: BSD-3-Clause
import { shallowRef } from "vue";

import { LANGUAGES, type Language, type Preferences } from "../model/preferences";
import { dictionaryOf, say, type Dictionary, type Files, type Parameters } from "./dictionary";

const english = dictionaryOf(import.meta.glob("./en/*.json", { eager: true, import: "default" }) as unknown as Files);

/** The other languages are loaded when they are spoken. */
const OTHERS: Readonly<Record<Exclude<Language, "en">, () => Promise<{ readonly default: Files }>>> = {
  de: () => import("./de"),
  fr: () => import("./fr"),
};

const spoken = shallowRef<{ language: Language; dictionary: Dictionary }>({ language: "en", dictionary: english });
/** The language that was asked for last: one that takes longer to come must not overrule it. */
let asked: Language = "en";

/** The words for `key` (`room.key`, see the folders beside this file) in the reader's language. */
export function t(key: string, parameters: Parameters = {}): string {
  return say(spoken.value.dictionary, spoken.value.language, key, parameters);
}

/** Whether there are words for `key`. */
export function known(key: string): boolean {
  return Object.hasOwn(spoken.value.dictionary, key);
}

/** The language that is spoken, for dates and numbers. */
export function language(): Language {
  return spoken.value.language;
}

/**
 * Speak the language that was chosen, or the first of the reader's that there are words in.
 *
 * Where its words cannot be loaded, the last one is spoken on.
 */
export async function speak(wanted: Preferences["language"]): Promise<void> {
  const chosen = wanted === "system" ? firstKnown(navigator.languages) : wanted;
  asked = chosen;
  try {
    const dictionary =
      chosen === "en" ? english : { ...english, ...dictionaryOf((await OTHERS[chosen]()).default) };
    if (asked !== chosen) return;
    document.documentElement.lang = chosen;
    spoken.value = { language: chosen, dictionary };
  } catch {
    // The server is away, or has another version by now; words are no reason to stop.
  }
}

/** The first of these languages (as `de-CH`) that there are words in. */
export function firstKnown(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const match = LANGUAGES.find((each) => each === tag.slice(0, 2).toLowerCase());
    if (match !== undefined) return match;
  }
  return "en";
}
