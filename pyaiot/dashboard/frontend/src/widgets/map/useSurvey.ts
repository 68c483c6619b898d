// SPDX-License-Identifier: BSD-3-Clause
import { onUnmounted, shallowRef, watch, type Ref, type ShallowRef } from "vue";

import { place } from "../../address";
import type { Size } from "../../model/map/camera";
import { chosenNodes, NOBODY, surveyPlan, surveyWorld, unlessSame, type Survey } from "../../model/map/survey";
import { Whereabouts } from "../../model/map/whereabouts";
import { presenceOf } from "../../model/state";
import type { Node } from "../../model/state";
import { usePage } from "../../page";
import { preferences } from "../../settings";
import { nameOf } from "./names";

/** How often the survey follows the nodes, in milliseconds: who moves, moves slowly on a map. */
const PACE = 300;

/** Which nodes stand where, kept up to date; `plan` is the size of the floor plan, if that is the ground. */
export function useSurvey(plan: Ref<Size | null>): Readonly<ShallowRef<Survey>> {
  const { state } = usePage();
  const survey = shallowRef(NOBODY);
  const whereabouts = new Whereabouts();
  let timer = 0;

  function matcher(): (node: Node) => boolean {
    const hidden = new Set(preferences.value.hiddenNodes);
    const { availability, q } = place.value.params;
    const sought = q?.trim().toLocaleLowerCase() ?? "";
    return (node) =>
      !hidden.has(node.uid) &&
      (availability === undefined || presenceOf(node) === availability) &&
      (sought === "" || `${nameOf(node)} ${node.uid}`.toLocaleLowerCase().includes(sought));
  }

  function look(): void {
    clearTimeout(timer);
    timer = 0;
    const nodes = chosenNodes(state.value, matcher());
    const next =
      plan.value === null ? surveyWorld(nodes, whereabouts) : surveyPlan(nodes, preferences.value.spots, plan.value);
    survey.value = unlessSame(survey.value, next);
  }

  watch(state, () => {
    if (timer === 0) timer = window.setTimeout(look, PACE);
  });
  // What somebody does shows at once.
  watch(
    [plan, () => preferences.value.hiddenNodes, () => preferences.value.spots, () => preferences.value.names, place],
    look,
    { immediate: true },
  );
  onUnmounted(() => {
    clearTimeout(timer);
  });
  return survey;
}
