// SPDX-License-Identifier: BSD-3-Clause
import { createApp } from "vue";

import App from "./App.vue";
import "./style/base.css";

createApp(App).mount("#page");
