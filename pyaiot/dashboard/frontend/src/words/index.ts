// SPDX-License-Identifier: BSD-3-Clause
import { shallowRef } from "vue";

import { LANGUAGES, type Language, type Preferences } from "../model/preferences";
import { dictionaryOf, say, type Dictionary, type Parameters, type Saying } from "./dictionary";

type Files = Record<string, Record<string, Saying>>;

const english = dictionaryOf(import.meta.glob("./en/*.json", { eager: true, import: "default" }) as unknown as Files);
const others = import.meta.glob("./{de,fr}/*.json", { import: "default" }) as Record<
  string,
  () => Promise<Record<string, Saying>>
>;

const spoken = shallowRef<{ language: Language; dictionary: Dictionary }>({ language: "en", dictionary: english });

/** The words for `key` (`room.key`, see the folders beside this file) in the reader's language. */
export function t(key: string, parameters: Parameters = {}): string {
  return say(spoken.value.dictionary, spoken.value.language, key, parameters);
}

/** The language that is spoken, for dates and numbers. */
export function language(): Language {
  return spoken.value.language;
}

/** Speak the language that was chosen, or the first of the reader's that there are words in. */
export async function speak(wanted: Preferences["language"]): Promise<void> {
  const chosen = wanted === "system" ? firstKnown(navigator.languages) : wanted;
  const dictionary = chosen === "en" ? english : { ...english, ...(await load(chosen)) };
  document.documentElement.lang = chosen;
  spoken.value = { language: chosen, dictionary };
}

async function load(chosen: Language): Promise<Dictionary> {
  const files: Files = {};
  const paths = Object.keys(others).filter((path) => path.startsWith(`./${chosen}/`));
  await Promise.all(
    paths.map(async (path) => {
      files[path] = (await others[path]?.()) ?? {};
    }),
  );
  return dictionaryOf(files);
}

function firstKnown(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const known = LANGUAGES.find((each) => each === tag.slice(0, 2).toLowerCase());
    if (known !== undefined) return known;
  }
  return "en";
}
