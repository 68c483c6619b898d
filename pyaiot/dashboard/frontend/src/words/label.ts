// SPDX-License-Identifier: BSD-3-Clause
import { known, t } from ".";
import { labelKey, plainLabel } from "../model/label";

/** What people call a resource, in the reader's language where it has a word for it. */
export function labelOf(endpoint: string): string {
  const key = labelKey(endpoint);
  return known(key) ? t(key) : plainLabel(endpoint);
}
