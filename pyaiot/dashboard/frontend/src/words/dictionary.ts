// SPDX-License-Identifier: BSD-3-Clause

/** What is said for one key: a text, or one for each plural form of a language (CLDR). */
export type Saying = string | Readonly<Partial<Record<Intl.LDMLPluralRule, string>>>;
/** Sayings by `room.key`. */
export type Dictionary = Readonly<Record<string, Saying>>;
export type Parameters = Readonly<Record<string, string | number>>;
/** The sayings of a language, by the path of the file that they stand in. */
export type Files = Readonly<Record<string, Readonly<Record<string, Saying>>>>;

/** One dictionary of the files of a language: each file is a room. */
export function dictionaryOf(files: Files): Dictionary {
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
 * `{name}` stands for a parameter; the parameter `count` chooses the plural form. Numbers are
 * written as the language writes them; what is no quantity (a port, a version) is given as text.
 * Where the dictionary does not know the key, the key itself is shown, so that nothing is silently
 * empty.
 */
export function say(dictionary: Dictionary, language: string, key: string, parameters: Parameters): string {
  const saying = dictionary[key];
  if (saying === undefined) return key;
  const text = typeof saying === "string" ? saying : formOf(saying, language, Number(parameters.count ?? 0));
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = parameters[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? grammarOf(language).numbers.format(value) : value;
  });
}

function formOf(forms: Exclude<Saying, string>, language: string, count: number): string {
  return forms[grammarOf(language).plurals.select(count)] ?? forms.other ?? "";
}

interface Grammar {
  readonly plurals: Intl.PluralRules;
  readonly numbers: Intl.NumberFormat;
}

/** Browsers take long to make these. */
const grammars = new Map<string, Grammar>();

function grammarOf(language: string): Grammar {
  const known = grammars.get(language);
  if (known !== undefined) return known;
  const made = { plurals: new Intl.PluralRules(language), numbers: new Intl.NumberFormat(language) };
  grammars.set(language, made);
  return made;
}
