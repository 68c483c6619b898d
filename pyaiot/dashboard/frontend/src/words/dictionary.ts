// SPDX-License-Identifier: BSD-3-Clause

/** What is said for one key: a text, or one for each plural form of a language (CLDR). */
export type Saying = string | Readonly<Partial<Record<Intl.LDMLPluralRule, string>>>;
/** Sayings by `room.key`. */
export type Dictionary = Readonly<Record<string, Saying>>;
export type Parameters = Readonly<Record<string, string | number>>;

/** One dictionary of the files of a language: each file is a room. */
export function dictionaryOf(files: Readonly<Record<string, Readonly<Record<string, Saying>>>>): Dictionary {
  const dictionary: Record<string, Saying> = {};
  for (const [path, sayings] of Object.entries(files)) {
    const room = /([^/]+)\.json$/.exec(path)?.[1] ?? path;
    for (const [key, saying] of Object.entries(sayings)) dictionary[`${room}.${key}`] = saying;
  }
  return dictionary;
}

/**
 * The words for `key` in a language.
 *
 * `{name}` stands for a parameter; the parameter `count` chooses the plural form. Where the
 * dictionary does not know the key, the key itself is shown, so that nothing is silently empty.
 */
export function say(dictionary: Dictionary, language: string, key: string, parameters: Parameters): string {
  const saying = dictionary[key];
  if (saying === undefined) return key;
  const text = typeof saying === "string" ? saying : formOf(saying, language, Number(parameters.count ?? 0));
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = parameters[name];
    return value === undefined ? whole : String(value);
  });
}

function formOf(forms: Exclude<Saying, string>, language: string, count: number): string {
  return forms[new Intl.PluralRules(language).select(count)] ?? forms.other ?? "";
}
