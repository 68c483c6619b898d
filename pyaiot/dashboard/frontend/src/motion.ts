// SPDX-License-Identifier: BSD-3-Clause
import { computed } from "vue";

import { look } from "./settings";

/** Whether nothing should move that need not. */
export const lessMotion = computed(() => look.value.motion === "less");
