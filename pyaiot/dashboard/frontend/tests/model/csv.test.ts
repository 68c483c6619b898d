// SPDX-License-Identifier: BSD-3-Clause
import { expect, it } from "vitest";

import { csvText } from "../../src/model/csv";

it("quotes what needs it", () => {
  expect(csvText([["a", 'b"c', "d,e", "f\ng"], [1, -2.5, ""]])).toBe('a,"b""c","d,e","f\ng"\r\n1,-2.5,\r\n');
});

it.each(["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "=cmd|' /C calc'!A0"])("leaves nothing to run in %j", (text) => {
  const [only = ""] = csvText([[text]]).split("\r\n");
  expect(only.replace(/^"/, "").startsWith("'")).toBe(true);
});
