// SPDX-License-Identifier: BSD-3-Clause
import { client } from "../api/browser";
import { AlertBook } from "./book";

/** The one book of alerts of this page. */
export const alerts = new AlertBook(client);
