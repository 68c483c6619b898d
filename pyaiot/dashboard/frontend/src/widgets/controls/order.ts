// SPDX-License-Identifier: BSD-3-Clause
import { computed, watch, type ComputedRef } from "vue";

import { isBusy, provesFixed } from "../../model/control";
import type { Node, Order, Phase, Resource } from "../../model/state";
import { titleOf } from "../../model/title";
import { usePage } from "../../page";
import { preferences } from "../../settings";
import { labelOf } from "../../words/label";
import { t } from "../../words";
import { isFixed, remember } from "./fixed";

/**
 * Why a resource cannot be set now.
 *
 * `fixed`: its node said so. `view`: this page may only look. `script`: it may set what it likes,
 * but send no scripts. `gone`: the node is not there.
 */
export type Lock = "fixed" | "view" | "script" | "gone";

export interface Control {
  /** What is controlled, for those who do not see where it stands. */
  readonly name: ComputedRef<string>;
  readonly order: ComputedRef<Order | null>;
  readonly phase: ComputedRef<Phase | undefined>;
  /** The node has been asked, and not answered yet. */
  readonly busy: ComputedRef<boolean>;
  readonly lock: ComputedRef<Lock | null>;
  /** Ask the node, unless it is locked. `atOnce`: before the press itself has been drawn. */
  readonly press: (payload: string, options?: { readonly atOnce?: boolean }) => void;
}

/** The order to set one resource, and the means to give one: the same for all controls. */
export function useOrder(
  props: { readonly node: Node; readonly resource: Resource },
  permission: "control" | "script" = "control",
): Control {
  const page = usePage();
  const order = computed(() => props.resource.order);
  const lock = computed<Lock | null>(() => {
    if (isFixed(props.node.uid, props.resource.endpoint)) return "fixed";
    if (!page.may(props.node.uid, "control")) return "view";
    if (permission === "script" && !page.may(props.node.uid, "script")) return "script";
    return props.node.goneSince === null ? null : "gone";
  });
  watch(
    order,
    (now) => {
      if (provesFixed(now)) remember(props.node.uid, props.resource.endpoint);
    },
    { immediate: true },
  );
  const phase = computed(() => order.value?.phase);
  return {
    name: computed(() => nameOf(props)),
    order,
    phase,
    busy: computed(() => isBusy(phase.value)),
    lock,
    press: (payload, options) => {
      if (lock.value === null) page.press(props.node.uid, props.resource.endpoint, payload, options);
    },
  };
}

/** A resource and the node that it is of, as people call them. */
export function nameOf({ node, resource }: { readonly node: Node; readonly resource: Resource }): string {
  return t("control.of", { resource: labelOf(resource.endpoint), node: titleOf(node, preferences.value.names) });
}
