// SPDX-License-Identifier: BSD-3-Clause
import { language, t } from ".";
import type { RuleForm } from "../api/types";
import { numberText } from "../model/value";
import { ageText } from "./age";

/** The most digits behind the point that a bound is written with. */
const DIGITS = 6;

function bound(number: number | null): string {
  if (number === null) return "–";
  const decimals = Math.min(DIGITS, String(number).split(".")[1]?.length ?? 0);
  return numberText({ number, decimals }, language());
}

/** When a rule raises an alert, in a few words. */
export function ruleText(rule: RuleForm): string {
  const lasting = rule.seconds > 0 && rule.condition !== "silent" ? t("alerts.forSome", { age: ageText(rule.seconds) }) : "";
  return [conditionText(rule), lasting].filter(Boolean).join(" ");
}

/** Bounds that something is out of, and for how long. */
type Bounds = Pick<RuleForm, "condition" | "low" | "high" | "text" | "seconds">;

export function conditionText({ condition, low, high, text, seconds }: Bounds): string {
  switch (condition) {
    case "above":
      return t("alerts.isAbove", { bound: bound(high) });
    case "below":
      return t("alerts.isBelow", { bound: bound(low) });
    case "outside":
      return t("alerts.isOutside", { low: bound(low), high: bound(high) });
    case "equals":
      return t("alerts.isEqual", { value: text ?? bound(low) });
    case "rate":
      if (low === null) return t("alerts.isFaster", { high: bound(high) });
      if (high === null) return t("alerts.isSlower", { low: bound(low) });
      return t("alerts.isFast", { low: bound(low), high: bound(high) });
    case "silent":
      return t("alerts.isSilent", { age: ageText(seconds) });
    case "offline":
      return t("alerts.isOffline");
  }
}
