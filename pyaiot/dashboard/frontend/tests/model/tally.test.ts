// SPDX-License-Identifier: BSD-3-Clause
import { expect, it } from "vitest";

import { Tally } from "../../src/model/tally";
import type { ToPage } from "../../src/wire/messages";

function update(uid: string, endpoint: string): ToPage {
  return { type: "update", uid, endpoint, data: 1 };
}

it("counts messages, and values that were overtaken before they were drawn", () => {
  const tally = new Tally();
  tally.frame([[update("1", "led")]]);
  expect(tally.take()).toEqual({ messages: 0, merged: 0 });

  tally.counting = true;
  tally.frame([[update("1", "led"), update("1", "led"), update("2", "led")], [update("1", "led"), { type: "reset", uid: "1" }]]);
  tally.frame([[update("1", "led")]]);
  expect(tally.take()).toEqual({ messages: 6, merged: 2 });
  expect(tally.take()).toEqual({ messages: 0, merged: 0 });
});
