// SPDX-License-Identifier: BSD-3-Clause
import { expect, it } from "vitest";

import { census } from "../../src/model/census";

it("counts how nodes are, but for hidden ones", () => {
  const nodes = [
    { uid: "1", presence: "online" },
    { uid: "2", presence: "late" },
    { uid: "3", presence: "gone" },
    { uid: "4", presence: "gone" },
    { uid: "5", presence: "online" },
  ] as const;
  expect(census(nodes, new Set(["5", "6"]))).toEqual({ online: 1, late: 1, offline: 0, gone: 2 });
  expect(census([], new Set())).toEqual({ online: 0, late: 0, offline: 0, gone: 0 });
});
