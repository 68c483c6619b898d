// SPDX-License-Identifier: BSD-3-Clause
// For tools that do not read .vue files themselves, such as ESLint; vue-tsc knows each exactly.
declare module "*.vue" {
  import type { DefineComponent } from "vue";
  const component: DefineComponent;
  export default component;
}
