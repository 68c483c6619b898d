// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, it } from "vitest";

import { lookOf } from "../../src/model/look";

const SYSTEM = { theme: "system", contrast: "system", motion: "system" } as const;
const NONE = { dark: false, contrast: false, stillness: false };

describe("lookOf", () => {
  it("follows the system where nothing was chosen", () => {
    expect(lookOf(SYSTEM, NONE)).toEqual({ theme: "light", contrast: "usual", motion: "usual" });
    expect(lookOf(SYSTEM, { dark: true, contrast: true, stillness: true })).toEqual({
      theme: "dark",
      contrast: "more",
      motion: "less",
    });
  });

  it("takes the theme that was chosen", () => {
    expect(lookOf({ ...SYSTEM, theme: "light" }, { ...NONE, dark: true }).theme).toBe("light");
    expect(lookOf({ ...SYSTEM, theme: "dark" }, NONE).theme).toBe("dark");
  });

  it("meets needs wherever they were said", () => {
    expect(lookOf({ theme: "system", contrast: "more", motion: "less" }, NONE)).toEqual({
      theme: "light",
      contrast: "more",
      motion: "less",
    });
  });
});
