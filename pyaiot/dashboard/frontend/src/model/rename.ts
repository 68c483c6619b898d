// SPDX-License-Identifier: BSD-3-Clause
import { LONGEST_NAME } from "./preferences";
import { ownTitle, titleOf } from "./title";

/** A node, as far as its name goes. */
export interface Named {
  readonly uid: string;
  readonly title: string;
  readonly name?: string;
}

/**
 * What is to be thought of a name that somebody typed for a node.
 *
 * `fine`: it can be had. `own`: the node goes by its own name (again). `unchanged`: it is called so
 * already. `taken`: another node is called so.
 */
export type Verdict =
  | { readonly kind: "fine"; readonly name: string }
  | { readonly kind: "own" }
  | { readonly kind: "unchanged" }
  | { readonly kind: "taken"; readonly by: string };

/** `nodes` are all that are known; `names` are the names that were given so far. */
export function judgeName(
  typed: string,
  node: Named,
  nodes: Iterable<Named>,
  names: Readonly<Record<string, string>>,
): Verdict {
  const name = tidied(typed);
  if (name === titleOf(node, names)) return { kind: "unchanged" };
  const wanted = name || ownTitle(node);
  const folded = wanted.toLowerCase();
  for (const other of nodes) {
    if (other.uid === node.uid || titleOf(other, names).toLowerCase() !== folded) continue;
    // Nodes may well call themselves the same; only a name that is given must be one's own.
    if (name !== "") return { kind: "taken", by: other.uid };
  }
  if (name !== "" && name !== node.title) return { kind: "fine", name };
  return titleOf(node, names) === ownTitle(node) ? { kind: "unchanged" } : { kind: "own" };
}

/** The names once `node` is called `name`, or with null by its own name again. */
export function withName(
  names: Readonly<Record<string, string>>,
  uid: string,
  name: string | null,
): Readonly<Record<string, string>> {
  const others = Object.entries(names).filter(([each]) => each !== uid);
  return Object.fromEntries(name === null ? others : [...others, [uid, name]]);
}

function tidied(typed: string): string {
  const short = typed.replace(/\s+/gu, " ").trim().slice(0, LONGEST_NAME);
  // Half of a letter that the end cut in two is none.
  return short.replace(/[\ud800-\udbff]$/, "").trim();
}
