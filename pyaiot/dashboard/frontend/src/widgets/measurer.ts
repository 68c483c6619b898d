// SPDX-License-Identifier: BSD-3-Clause
import type { InjectionKey } from "vue";

/** Told of each card that is drawn, so that whoever lays them out knows how tall they are. */
export const MEASURER: InjectionKey<ResizeObserver> = Symbol("measurer");
