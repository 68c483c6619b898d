// SPDX-License-Identifier: BSD-3-Clause
import { textOf } from "./value";
import type { Moment, Node, Order, Resource, State } from "./state";

/** By name; those without one come last. */
function inOrder(a: Node, b: Node): number {
  const unnamed = Number(a.title === "") - Number(b.title === "");
  return unnamed || byName.compare(a.title, b.title) || (a.uid < b.uid ? -1 : 1);
}

type Mutable<T> = { -readonly [name in keyof T]: T[name] };
type NodeDraft = Mutable<Node> & { resources: Map<string, Resource> };

const byName = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

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
  private open: Map<string, { readonly uid: string; readonly endpoint: string }> | null = null;
  private readonly touched = new Map<string, NodeDraft>();
  private unsorted = false;

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

  set(change: Partial<Omit<State, "nodes" | "order" | "open">>): void {
    Object.assign(this.state, change);
  }

  has(uid: string): boolean {
    return this.state.nodes.has(uid);
  }

  /** The node to change; made if there is none yet. */
  node(uid: string): NodeDraft {
    const touched = this.touched.get(uid);
    if (touched !== undefined) return touched;
    const known = this.state.nodes.get(uid);
    const node: NodeDraft =
      known === undefined ? this.fresh(uid) : { ...known, resources: new Map(known.resources) };
    this.touched.set(uid, node);
    this.writableNodes().set(uid, node);
    if (known === undefined) this.unsorted = true;
    return node;
  }

  remove(uid: string): void {
    this.touched.delete(uid);
    this.writableNodes().delete(uid);
    this.unsorted = true;
  }

  rename(node: NodeDraft, title: string): void {
    if (node.title === title) return;
    node.title = title;
    this.unsorted = true;
  }

  /** Change an order, or with null forget it. */
  order(uid: string, endpoint: string, order: Order | null): void {
    const { resources } = this.node(uid);
    const resource = resources.get(endpoint);
    if (resource !== undefined) resources.set(endpoint, { ...resource, order });
    else if (order !== null) resources.set(endpoint, { endpoint, value: undefined, time: 0, points: [], order });
  }

  openOrder(id: string, uid: string, endpoint: string): void {
    this.writableOpen().set(id, { uid, endpoint });
  }

  closeOrder(id: string): void {
    if (this.state.open.has(id)) this.writableOpen().delete(id);
  }

  /** The state that came of it; the one before if nothing changed. */
  done(): State {
    if (this.unsorted) {
      const { nodes } = this.state;
      const known = [...nodes.values()];
      known.sort(inOrder);
      this.state.order = known.map(({ uid }) => uid);
    }
    const names = Object.keys(this.state) as (keyof State)[];
    return names.every((name) => this.state[name] === this.before[name]) ? this.before : this.state;
  }

  private fresh(uid: string): NodeDraft {
    return {
      uid,
      title: "",
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

  private writableOpen(): Map<string, { readonly uid: string; readonly endpoint: string }> {
    this.open ??= new Map(this.state.open);
    this.state.open = this.open;
    return this.open;
  }
}

/** What a node calls itself. */
export function titleOf(resource: Resource | undefined): string {
  return textOf(resource?.value ?? undefined).trim();
}
