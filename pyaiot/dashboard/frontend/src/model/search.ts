// SPDX-License-Identifier: BSD-3-Clause

/** Something that can be found, by any of its texts; the first is what it is called. */
export interface Findable {
  readonly texts: readonly string[];
}

/**
 * A node and its resources: both can be found, a resource also by the node that has it.
 *
 * What a resource is called depends on its endpoint alone.
 */
export interface FindableNode extends Findable {
  readonly uid: string;
  readonly resources: readonly { readonly endpoint: string; readonly texts: readonly string[] }[];
}

export type Found<T> =
  | { readonly kind: "other"; readonly other: T }
  | { readonly kind: "node"; readonly uid: string }
  | { readonly kind: "resource"; readonly uid: string; readonly endpoint: string };

export interface Index<T> {
  readonly nodes: readonly FindableNode[];
  readonly others: readonly (Findable & { readonly what: T })[];
}

/** Words of a query that are looked at. */
const MOST_WORDS = 8;

/** How well a word fits a text: 0 not at all; otherwise the more, the better. */
const WHOLE = 4;
const START = 3;
const WORD_START = 2;
const WITHIN = 1;
/** How much more the name says than the other texts. */
const NAME = 2;

/** A text as it is compared: `Küche` is found as `kuche`. */
export function folded(text: string): string {
  return text
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .toLowerCase();
}

/** An index whose texts are folded, so that each search need not do it. */
export function indexOf<T>({ nodes, others }: Index<T>): Index<T> {
  const fold = <F extends Findable>(each: F): F => ({ ...each, texts: each.texts.map(folded) });
  return {
    nodes: nodes.map((node) => ({ ...fold(node), resources: node.resources.map(fold) })),
    others: others.map(fold),
  };
}

/**
 * What fits a query best, the best first, of an index that `indexOf` made.
 *
 * Each word of the query must fit. For a resource, words may name its node as well, but one must
 * name the resource. An empty query finds the others: what can be done, and where one can go.
 */
export function search<T>({ nodes, others }: Index<T>, query: string, most: number): readonly Found<T>[] {
  const words = folded(query).split(/\s+/).filter(Boolean).slice(0, MOST_WORDS);
  if (words.length === 0) return others.slice(0, most).map(({ what }) => ({ kind: "other", other: what }));
  const found: { readonly score: number; readonly found: Found<T> }[] = [];
  for (const { texts, what } of others) {
    const score = together(words.map((word) => fit(word, texts)));
    if (score > 0) found.push({ score: score + 0.5, found: { kind: "other", other: what } });
  }
  // Most nodes have the same resources, which need not be looked at again.
  const namedBy = new Map<string, readonly number[] | null>();
  for (const { uid, texts, resources } of nodes) {
    const own = words.map((word) => fit(word, texts));
    const score = together(own);
    if (score > 0) found.push({ score: score + 0.2, found: { kind: "node", uid } });
    for (const resource of resources) {
      let named = namedBy.get(resource.endpoint);
      if (named === undefined) {
        const fits = words.map((word) => fit(word, resource.texts));
        named = fits.some(Boolean) ? fits : null;
        namedBy.set(resource.endpoint, named);
      }
      if (named === null) continue;
      const both = together(named.map((score, word) => Math.max(own[word] ?? 0, score)));
      if (both > 0) found.push({ score: both, found: { kind: "resource", uid, endpoint: resource.endpoint } });
    }
  }
  // Sorting keeps what fits equally well in its order.
  return found
    .sort((a, b) => b.score - a.score)
    .slice(0, most)
    .map(({ found: each }) => each);
}

/** Of the fits of all words: nothing where one does not fit, else how well they do on average. */
function together(fits: readonly number[]): number {
  return fits.every(Boolean) ? fits.reduce((sum, each) => sum + each, 0) / fits.length : 0;
}

function fit(word: string, texts: readonly string[]): number {
  let best = fitOf(word, texts[0] ?? "") * NAME;
  for (let at = 1; at < texts.length; at += 1) best = Math.max(best, fitOf(word, texts[at] ?? ""));
  return best;
}

function fitOf(word: string, text: string): number {
  const at = text.indexOf(word);
  if (at < 0) return 0;
  if (at === 0) return text.length === word.length ? WHOLE : START;
  return /[\s/_.:-]/.test(text.charAt(at - 1)) ? WORD_START : WITHIN;
}
