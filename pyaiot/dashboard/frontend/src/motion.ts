// SPDX-License-Identifier: BSD-3-Clause
import { computed, shallowRef } from "vue";

import { preferences } from "./settings";

const query = matchMedia("(prefers-reduced-motion: reduce)");
const reduced = shallowRef(query.matches);
query.addEventListener("change", () => {
  reduced.value = query.matches;
});

/** Whether nothing should move that need not. */
export const lessMotion = computed(() => reduced.value || preferences.value.motion === "less");
