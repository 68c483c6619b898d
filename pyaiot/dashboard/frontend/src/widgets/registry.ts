// SPDX-License-Identifier: BSD-3-Clause
import type { Component } from "vue";

import type { Kind } from "../model/value";
import LedReading from "./LedReading.vue";
import NumberReading from "./NumberReading.vue";
import StructureReading from "./StructureReading.vue";
import TextReading from "./TextReading.vue";
import UnknownReading from "./UnknownReading.vue";

/** How resources of one kind look on a card. */
export interface Look {
  /** Takes `node` and `resource`. What is heavy is loaded when the first node needs it. */
  readonly component: Component;
  /** Kinds with a lower rank stand higher on a card. */
  readonly rank: number;
  /** Whether it takes the whole width of a card. */
  readonly wide: boolean;
}

export const LOOKS: Readonly<Record<Kind, Look>> = {
  toggle: { component: LedReading, rank: 0, wide: true },
  number: { component: NumberReading, rank: 1, wide: false },
  unknown: { component: UnknownReading, rank: 1, wide: false },
  imu: { component: StructureReading, rank: 2, wide: true },
  position: { component: StructureReading, rank: 2, wide: true },
  pad: { component: TextReading, rank: 2, wide: true },
  stick: { component: TextReading, rank: 2, wide: true },
  picture: { component: TextReading, rank: 3, wide: true },
  firmware: { component: TextReading, rank: 3, wide: true },
  structure: { component: StructureReading, rank: 4, wide: true },
  script: { component: TextReading, rank: 5, wide: true },
  text: { component: TextReading, rank: 6, wide: true },
};
