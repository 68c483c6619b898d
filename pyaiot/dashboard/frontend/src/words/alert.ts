// SPDX-License-Identifier: BSD-3-Clause
import { language, t } from ".";
import { sentenceOf, type OpenAlert } from "../model/alerts";
import { numberText, quantityOf, unitText } from "../model/value";
import { ageText } from "./age";
import { conditionText } from "./rule";

/**
 * What is wrong, below a line that says of what.
 *
 * In the reader's language where it is known in more than the words of whoever found it. `name` is
 * what the node is called on this page.
 */
export function alertText(alert: Pick<OpenAlert, "uid" | "endpoint" | "text" | "finding">, name: string): string {
  if (alert.finding === null) return sentenceOf(alert, name);
  const { condition, value = "", low = null, high = null, seconds = 0, path = "" } = alert.finding;
  const bounds = conditionText({ condition, low, high, text: null, seconds });
  const of = path === "" ? "" : `${path}: `;
  switch (condition) {
    case "offline":
      return t("alerts.foundOffline");
    case "silent":
      return t(alert.endpoint === "" ? "alerts.foundNothing" : "alerts.foundSilent", { age: ageText(seconds) });
    case "equals":
      return `${of}${valueText(value)}`;
    case "rate":
      return `${of}${bounds}`;
    default:
      return `${of}${valueText(value)}, ${bounds}`;
  }
}

function valueText(value: string): string {
  const quantity = quantityOf(value);
  if (quantity === null) return value;
  return [numberText(quantity, language()), unitText(quantity.unit)].filter(Boolean).join(" ");
}
