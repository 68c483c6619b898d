// SPDX-License-Identifier: BSD-3-Clause
import { t } from ".";
import { ageOf } from "../model/age";

/** How long ago something was, in few letters: `12 s`. */
export function ageText(seconds: number): string {
  const { unit, count } = ageOf(seconds);
  return t(`age.${unit}`, { count });
}

/** The same as a sentence says it, and for those who listen: `12 seconds ago`. */
export function ageSpoken(seconds: number): string {
  const { unit, count } = ageOf(seconds);
  return t(`age.${unit}Ago`, { count });
}
