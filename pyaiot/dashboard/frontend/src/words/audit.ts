// SPDX-License-Identifier: BSD-3-Clause
import { known, t } from ".";
import type { AuditEntry } from "../api/types";
import { textOf } from "../model/value";
import type { Json } from "../wire/messages";
import { whenText } from "./when";

/** What somebody did, as it goes on after their name. */
export function actionText({ action, detail }: AuditEntry): string {
  if (action === "rule.mute" && detail.until === null) return t("audit.rule.unmute");
  const key = `audit.${action}`;
  return known(key) ? t(key) : action;
}

/** These are told of by their names; what stands in the records is an id that nobody reads. */
const BY_NAME: ReadonlySet<string> = new Set(["rule", "channel"]);
const OF_NODES: ReadonlySet<string> = new Set(["node", "token"]);

/** What it was done to: as people call it, as far as that is known. `nameOf` knows nodes by their uids. */
export function subjectText({ action, subject, user, detail }: AuditEntry, nameOf: (uid: string) => string | null): string {
  const [kind = ""] = action.split(".", 1);
  if (OF_NODES.has(kind)) return nameOf(subject) ?? (textOf(detail.name) || subject);
  if (BY_NAME.has(kind)) return textOf(detail.name) || subject;
  if (kind === "alert") return textOf(detail.text) || subject;
  return kind === "session" && subject === user ? "" : subject;
}

/** All else that was written down of it. `shown` is what was told as its subject. */
export function detailText({ subject, user, detail }: AuditEntry, shown: string): string {
  const parts = Object.entries(detail).map(([name, value]) => partText(name, value, shown));
  const uid = shown === subject || subject === user ? "" : subject;
  return [uid, ...parts].filter(Boolean).join(" · ");
}

function partText(name: string, value: Json, shown: string): string {
  // An id of a token, and words that stand there already.
  if (name === "id" || value === "" || textOf(value) === shown) return "";
  if (name === "owner" && value === null) return t("audit.detail_ownerless");
  const told = valueText(name, value);
  if (told === "") return "";
  const key = `audit.detail_${name}`;
  return known(key) ? t(key, { value: told }) : `${name}: ${told}`;
}

function valueText(name: string, value: Json): string {
  switch (name) {
    case "role":
    case "before":
      return known(`people.role_${textOf(value)}`) ? t(`people.role_${textOf(value)}`) : textOf(value);
    case "level":
    case "public":
      return t(`devices.level_${value === null ? "none" : textOf(value)}`);
    case "until":
      return typeof value === "number" ? whenText(value) : "";
    case "location":
      return placeOf(value);
    default:
      return value === null ? "" : textOf(value);
  }
}

/** Where a node is: in words, or else by its coordinates. */
function placeOf(value: Json): string {
  if (value === null) return "";
  if (typeof value !== "object" || Array.isArray(value)) return textOf(value);
  const { place, lat, lng } = value as Readonly<Record<string, Json>>;
  return textOf(place ?? "") || [lat, lng].map((each) => textOf(each ?? "")).join(", ");
}
