// SPDX-License-Identifier: BSD-3-Clause
// Runs before anything is drawn, so that no other theme flashes up. It is a file of its own.
import { wear } from "./look";
import { stored } from "./stored";

wear(stored());
