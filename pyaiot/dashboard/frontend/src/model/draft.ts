// SPDX-License-Identifier: BSD-3-Clause
import { presenceOf, type Entry, type Moment, type Node, type Order, type Resource, type State } from "./state";
import { inOrder, merged } from "./title";
import { textOf } from "./value";

type Mutable<T> = { -readonly [name in keyof T]: T[name] };
type NodeDraft = Mutable<Node> & { resources: Map<string, Resource> };

/**
 * A state in the making.
 *
 * Whatever is not touched is shared with the state before it, and what is touched is copied once
 * however often it changes: a frame costs what changed in it, and what did not change is the same
 * object, so that nothing is drawn again for it.
 */
export class Draft {
  private readonly state: Mutable<State>;
  private nodes: Map<string, Node> | null = null;
  private aside: Map<string, Node> | null = null;
  private open: Map<string, { readonly uid: string; readonly endpoint: string }> | null = null;
  private readonly touched = new Map<string, NodeDraft>();
  /** Nodes that came, left or have another title now, and so another place in the list. */
  private readonly misplaced = new Set<string>();

  constructor(
    private readonly before: State,
    readonly now: Moment,
  ) {
    this.state = { ...before };
  }

  /** The time of day by the broker's clock. */
  get wall(): number {
    return this.now.wall + this.state.ahead;
  }

  get current(): Readonly<State> {
    return this.state;
  }

  set(change: Partial<Omit<State, "nodes" | "order" | "roster" | "aside" | "open">>): void {
    Object.assign(this.state, change);
  }

  /** Whether a node is known, be it in sight or dismissed. */
  has(uid: string): boolean {
    return this.state.nodes.has(uid) || this.state.aside.has(uid);
  }

  /** The node to change; made if there is none yet, and in sight again if it was dismissed. */
  node(uid: string): NodeDraft {
    const touched = this.touched.get(uid);
    if (touched !== undefined) return touched;
    const shown = this.state.nodes.get(uid);
    const known = shown ?? this.state.aside.get(uid);
    const node: NodeDraft =
      known === undefined ? this.fresh(uid) : { ...known, resources: new Map(known.resources) };
    this.touched.set(uid, node);
    this.writableNodes().set(uid, node);
    if (shown === undefined) this.misplaced.add(uid);
    if (shown === undefined && known !== undefined) this.writableAside().delete(uid);
    return node;
  }

  /** Forget a node for good. */
  remove(uid: string): void {
    this.touched.delete(uid);
    if (this.state.nodes.has(uid)) this.writableNodes().delete(uid);
    if (this.state.aside.has(uid)) this.writableAside().delete(uid);
    this.misplaced.add(uid);
  }

  /** Take a node out of sight until there is news of it. */
  putAside(uid: string): void {
    const node = this.state.nodes.get(uid);
    if (node === undefined) return;
    this.remove(uid);
    this.writableAside().set(uid, node);
  }

  /** A node that is out of sight, and stays so, was named in the roll call. */
  nameAside(uid: string): void {
    const node = this.state.aside.get(uid);
    if (node !== undefined) this.writableAside().set(uid, { ...node, roll: this.state.roll });
  }

  rename(node: NodeDraft, title: string): void {
    if (node.title === title) return;
    node.title = title;
    this.misplaced.add(node.uid);
  }

  /** Give a node the name that people have for it; an empty one takes it away. */
  call(node: NodeDraft, name: string): void {
    if (node.name === name) return;
    node.name = name;
    this.misplaced.add(node.uid);
  }

  /** Change an order, or with null forget it. */
  order(uid: string, endpoint: string, order: Order | null): void {
    const { resources } = this.node(uid);
    const resource = resources.get(endpoint);
    if (resource !== undefined) resources.set(endpoint, { ...resource, order });
    else if (order !== null) resources.set(endpoint, { endpoint, value: undefined, time: 0, order });
  }

  openOrder(id: string, uid: string, endpoint: string): void {
    this.writableOpen().set(id, { uid, endpoint });
  }

  closeOrder(id: string): void {
    if (this.state.open.has(id)) this.writableOpen().delete(id);
  }

  /** The state that came of it; the one before if nothing changed. */
  done(): State {
    this.list();
    const names = Object.keys(this.state) as (keyof State)[];
    return names.every((name) => this.state[name] === this.before[name]) ? this.before : this.state;
  }

  /** Bring the lists up to date, if anything that they say has changed. */
  private list(): void {
    const { roster, order } = this.before;
    const changed = new Map<string, Entry>();
    for (const [uid, node] of this.touched) {
      const entry = entryOf(node, roster.get(uid));
      if (entry !== null) changed.set(uid, entry);
    }
    if (changed.size === 0 && this.misplaced.size === 0) return;
    const entries = (uids: Iterable<string>): Entry[] => {
      const found: Entry[] = [];
      for (const uid of uids) {
        const entry = this.state.nodes.has(uid) ? (changed.get(uid) ?? roster.get(uid)) : undefined;
        if (entry !== undefined) found.push(entry);
      }
      return found;
    };
    let listed: readonly Entry[];
    if (this.misplaced.size === 0) listed = entries(order);
    else {
      const kept = entries(order.filter((uid) => !this.misplaced.has(uid)));
      listed = merged(kept, entries(this.misplaced).sort(inOrder), inOrder);
      this.state.order = listed.map(({ uid }) => uid);
    }
    this.state.roster = new Map(listed.map((entry) => [entry.uid, entry]));
  }

  private fresh(uid: string): NodeDraft {
    return {
      uid,
      title: "",
      name: "",
      availability: "online",
      seen: this.wall,
      resources: new Map(),
      goneSince: null,
      resetSince: null,
      roll: this.state.roll,
    };
  }

  private writableNodes(): Map<string, Node> {
    this.nodes ??= new Map(this.state.nodes);
    this.state.nodes = this.nodes;
    return this.nodes;
  }

  private writableAside(): Map<string, Node> {
    this.aside ??= new Map(this.state.aside);
    this.state.aside = this.aside;
    return this.aside;
  }

  private writableOpen(): Map<string, { readonly uid: string; readonly endpoint: string }> {
    this.open ??= new Map(this.state.open);
    this.state.open = this.open;
    return this.open;
  }
}

/** What lists say of a node now; null where that is what they said `before`. */
function entryOf(node: Node, before: Entry | undefined): Entry | null {
  const entry: Entry = {
    uid: node.uid,
    title: node.title,
    name: node.name,
    presence: presenceOf(node),
    protocol: factOf(node, "protocol"),
    board: factOf(node, "board"),
    os: factOf(node, "os"),
  };
  const same =
    entry.title === before?.title &&
    entry.name === before.name &&
    entry.presence === before.presence &&
    entry.protocol === before.protocol &&
    entry.board === before.board &&
    entry.os === before.os;
  return same ? null : entry;
}

function factOf(node: Node, endpoint: string): string {
  return ownWord(node.resources.get(endpoint));
}

/** What a node says of itself in a resource, as text. */
export function ownWord(resource: Resource | undefined): string {
  return textOf(resource?.value ?? undefined).trim();
}
