// SPDX-License-Identifier: BSD-3-Clause
import { ApiError, at, type Client } from "../api/client";
import type { NodeChange, NodeChanged } from "../api/types";
import { judgeName, withName, type Named, type Verdict } from "../model/rename";

/**
 * What came of a name that somebody gave a node.
 *
 * Besides the verdicts on the name itself: `kept`: in this browser only, since the server does not
 * answer. `refused`: the server did not take it, for another reason than the name.
 */
export type Outcome =
  | Exclude<Verdict, { readonly kind: "taken" }>
  | { readonly kind: "taken"; readonly by: string | null }
  | { readonly kind: "kept"; readonly name: string }
  | { readonly kind: "refused"; readonly problem: ApiError };

/** Where names are kept. */
export interface Names {
  /** The server, for somebody with an account; null for a stranger. */
  readonly client: Pick<Client, "call"> | null;
  /** Those that only this browser knows. */
  readonly local: Readonly<Record<string, string>>;
  readonly keep: (names: Readonly<Record<string, string>>) => void;
}

/** Without an answer a name is better kept here than lost. */
const NO_ANSWER: ReadonlySet<string> = new Set(["unreachable", "timeout", "no_api"]);

/** Give a node a name: in the server's records, or for strangers in this browser. */
export async function nameNode(typed: string, node: Named, others: Iterable<Named>, names: Names): Promise<Outcome> {
  if (names.client === null) return nameHere(judgeName(typed, node, others, names.local), node, names);
  // A name that only this browser knows is news to the server; and whose names must differ is its affair.
  const verdict = judgeName(typed, node, [], {});
  const local = Object.hasOwn(names.local, node.uid);
  if (verdict.kind === "taken") return verdict;
  if (verdict.kind === "unchanged" && !local) return verdict;
  const name = verdict.kind === "fine" ? verdict.name : verdict.kind === "own" ? "" : (node.name ?? "");
  try {
    const body: NodeChange = { name };
    const { unchanged } = await names.client.call<NodeChanged>("PATCH", at("nodes", node.uid), { body });
    if (local) names.keep(withName(names.local, node.uid, null));
    return unchanged && !local ? { kind: "unchanged" } : verdict;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.code === "name_taken") return { kind: "taken", by: null };
    // What stands in the records would still go first.
    if (!NO_ANSWER.has(error.code) || (node.name ?? "") !== "" || name === "") return { kind: "refused", problem: error };
    names.keep(withName(names.local, node.uid, name));
    return { kind: "kept", name };
  }
}

/**
 * Hand the names that only this browser knows to the server, one by one; how many it took.
 *
 * Those that it does not take (the name is taken, or the node is not theirs to name) stay here.
 * Throws an ApiError where the server does not answer.
 */
export async function handOver(names: Names & { readonly client: Pick<Client, "call"> }): Promise<number> {
  let left = names.local;
  let taken = 0;
  for (const [uid, name] of Object.entries(names.local)) {
    try {
      await names.client.call<NodeChanged>("PATCH", at("nodes", uid), { body: { name } satisfies NodeChange });
    } catch (error) {
      if (!(error instanceof ApiError) || NO_ANSWER.has(error.code)) throw error;
      continue;
    }
    taken += 1;
    left = withName(left, uid, null);
    names.keep(left);
  }
  return taken;
}

function nameHere(verdict: Verdict, node: Named, names: Names): Outcome {
  if (verdict.kind === "fine") names.keep(withName(names.local, node.uid, verdict.name));
  else if (verdict.kind === "own") names.keep(withName(names.local, node.uid, null));
  return verdict;
}
