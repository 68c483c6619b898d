// SPDX-License-Identifier: BSD-3-Clause
import type { Presence } from "../../model/state";
import type { Node, Resource } from "../../model/state";
import { titleOf } from "../../model/title";
import { isOn, isUnavailable, kindOf, numberText, quantityOf, textOf, unitText } from "../../model/value";
import { preferences } from "../../settings";
import { language, t } from "../../words";

/** Characters of a text that have room on a map. */
const LONGEST = 60;

/** What a node is called here. */
export function nameOf(node: Pick<Node, "uid" | "title">): string {
  return titleOf(node, preferences.value.names);
}

/** A value in a few letters. */
export function readingText({ endpoint, value }: Resource): string {
  const kind = kindOf(endpoint, value);
  if (kind === "unknown") return t(isUnavailable(value) ? "map.unavailable" : "map.unknown");
  if (kind === "toggle" || kind === "indicator") return t(isOn(value) === true ? "map.on" : "map.off");
  const quantity = kind === "number" ? quantityOf(value) : null;
  if (quantity !== null) return `${numberText(quantity, language())} ${unitText(quantity.unit)}`.trim();
  const text = textOf(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

const PRESENCE_WORDS: Readonly<Record<Presence, string>> = {
  online: "page.markOnline",
  late: "page.markLate",
  offline: "page.markOffline",
  gone: "page.markGone",
};

export function presenceWord(presence: Presence): string {
  return t(PRESENCE_WORDS[presence]);
}
