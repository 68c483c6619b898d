// SPDX-License-Identifier: BSD-3-Clause

/** Characters of a uid that are enough to tell nodes without a name apart. */
const SHORT = 8;

const byName = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

interface Named {
  readonly uid: string;
  /** What the node calls itself; empty if it never did. */
  readonly title: string;
  /** What people call it, by the server's records. */
  readonly name?: string;
}

/**
 * What a node is called: the name in the server's records, else the one that it was given in this
 * browser, else its own, else one made of its uid.
 */
export function titleOf(node: Named, names: Readonly<Record<string, string>>): string {
  return (node.name ?? "") || givenName(node.uid, names) || ownTitle(node);
}

/** What a node is called where nobody gave it a name. */
export function ownTitle({ uid, title }: Named): string {
  return title || `Node ${uid.slice(0, SHORT)}`;
}

/** The name that a node was given here; empty if it was given none. */
export function givenName(uid: string, names: Readonly<Record<string, string>>): string {
  // A uid may be any text, also one that every object has something for.
  return Object.hasOwn(names, uid) ? (names[uid] ?? "") : "";
}

/** By what they are called, 10 after 9; those that are called nothing come last. */
export function inOrder(a: Named, b: Named): number {
  const [one, other] = [calledOf(a), calledOf(b)];
  const unnamed = Number(one === "") - Number(other === "");
  return unnamed || byName.compare(one, other) || (a.uid < b.uid ? -1 : 1);
}

function calledOf({ name = "", title }: Named): string {
  return name === "" ? title : name;
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
