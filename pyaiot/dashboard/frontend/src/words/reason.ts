// SPDX-License-Identifier: BSD-3-Clause
import { COMMAND_TIMEOUT } from "../model/reduce";
import type { Order } from "../model/state";
import { t } from ".";

/** Why an order failed: in the words of whoever refused it, else in ours; empty if it did not fail. */
export function reasonOf({ reason, cause }: Order): string {
  if (cause === null) return "";
  return reason || t(`node.because_${cause}`, { seconds: COMMAND_TIMEOUT });
}
