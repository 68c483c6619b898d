// SPDX-License-Identifier: BSD-3-Clause
import { known, t } from ".";
import type { ApiError } from "../api/client";

/** Why the server did not do something: in our words where there are any, else in its own. */
export function problemText({ code, status, detail, retryAfter }: ApiError): string {
  if (code === "rate_exceeded" && retryAfter !== null) return t("problem.waitFor", { count: Math.ceil(retryAfter) });
  const key = `problem.${code}`;
  if (known(key)) return t(key);
  return detail === "" ? t("problem.unknown", { code: `${code} (${status})` }) : detail;
}
