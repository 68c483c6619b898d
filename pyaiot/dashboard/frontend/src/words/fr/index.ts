// SPDX-License-Identifier: BSD-3-Clause
import type { Files } from "../dictionary";

/** The rooms of this folder, in one piece. */
export default import.meta.glob("./*.json", { eager: true, import: "default" }) as unknown as Files;
