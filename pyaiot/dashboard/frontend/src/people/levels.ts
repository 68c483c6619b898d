// SPDX-License-Identifier: BSD-3-Clause
import type { Node as NodeRecord } from "../api/types";
import type { SessionKeeper } from "../session";
import { PERMISSIONS, type Permission } from "../wire/messages";

/** What somebody may do with a node, as a list to choose from; `none` is nothing at all. */
export const LEVELS = ["none", ...PERMISSIONS] as const;
export type Level = (typeof LEVELS)[number];

export function levelOf(permission: Permission | null): Level {
  return permission ?? "none";
}

export function permissionOf(level: Level): Permission | null {
  return level === "none" ? null : level;
}

/** Whether somebody decides about a node: what it is called, who sees it, which tokens it has. */
export function decides({ user, isAdmin }: Pick<SessionKeeper, "user" | "isAdmin">, node: Pick<NodeRecord, "mine">): boolean {
  return user.value !== null && user.value.role !== "viewer" && (node.mine || isAdmin.value);
}

/** What a node is called in the records, or calls itself, or its uid. */
export function calledOf({ name, title, uid }: Pick<NodeRecord, "name" | "title" | "uid">): string {
  return [name, title].find((each) => each !== "") ?? uid;
}
