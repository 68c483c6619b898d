// SPDX-License-Identifier: BSD-3-Clause

/** Characters of a uid that are enough to tell nodes without a name apart. */
const SHORT = 8;

const byName = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

interface Named {
  readonly uid: string;
  /** What the node calls itself; empty if it never did. */
  readonly title: string;
}

/** What a node is called: the name that it was given here, else its own, else one made of its uid. */
export function titleOf(node: Named, names: Readonly<Record<string, string>>): string {
  return givenName(node.uid, names) || node.title || `Node ${node.uid.slice(0, SHORT)}`;
}

/** The name that a node was given here; empty if it was given none. */
export function givenName(uid: string, names: Readonly<Record<string, string>>): string {
  // A uid may be any text, also one that every object has something for.
  return Object.hasOwn(names, uid) ? (names[uid] ?? "") : "";
}

/** By name, 10 after 9; those without one come last. */
export function inOrder(a: Named, b: Named): number {
  const unnamed = Number(a.title === "") - Number(b.title === "");
  return unnamed || byName.compare(a.title, b.title) || (a.uid < b.uid ? -1 : 1);
}

/** Two sorted lists as one. */
export function merged<T>(some: readonly T[], others: readonly T[], compare: (a: T, b: T) => number): T[] {
  const all: T[] = [];
  let next = 0;
  for (const one of some) {
    let other = others[next];
    while (other !== undefined && compare(other, one) < 0) {
      all.push(other);
      next += 1;
      other = others[next];
    }
    all.push(one);
  }
  return all.concat(others.slice(next));
}
