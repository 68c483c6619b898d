// SPDX-License-Identifier: BSD-3-Clause
import { defineAsyncComponent, type Component } from "vue";

import type { Kind } from "../model/value";
import IndicatorReading from "./controls/IndicatorReading.vue";
import MessageControl from "./controls/MessageControl.vue";
import SwitchControl from "./controls/SwitchControl.vue";
import NumberReading from "./NumberReading.vue";
import PositionReading from "./PositionReading.vue";
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
  toggle: { component: SwitchControl, rank: 0, wide: true },
  indicator: { component: IndicatorReading, rank: 0, wide: true },
  number: { component: NumberReading, rank: 1, wide: false },
  unknown: { component: UnknownReading, rank: 1, wide: false },
  imu: { component: defineAsyncComponent(() => import("./ImuReading.vue")), rank: 2, wide: true },
  position: { component: PositionReading, rank: 2, wide: true },
  pad: { component: defineAsyncComponent(() => import("./controls/RobotPad.vue")), rank: 2, wide: true },
  stick: { component: defineAsyncComponent(() => import("./controls/JoystickControl.vue")), rank: 2, wide: true },
  picture: { component: defineAsyncComponent(() => import("./controls/PictureReading.vue")), rank: 3, wide: true },
  firmware: { component: defineAsyncComponent(() => import("./controls/FirmwareReading.vue")), rank: 3, wide: true },
  structure: { component: StructureReading, rank: 4, wide: true },
  script: { component: defineAsyncComponent(() => import("./controls/ScriptReading.vue")), rank: 5, wide: true },
  message: { component: MessageControl, rank: 6, wide: true },
  text: { component: TextReading, rank: 6, wide: true },
};
