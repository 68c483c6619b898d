// SPDX-License-Identifier: BSD-3-Clause
import { onBeforeUnmount, onMounted } from "vue";

/** Do something every so many milliseconds, as long as a component is there and somebody may see it. */
export function useRepeat(milliseconds: number, act: () => unknown): void {
  let timer = 0;
  onMounted(() => {
    timer = window.setInterval(() => {
      if (!document.hidden) act();
    }, milliseconds);
  });
  onBeforeUnmount(() => {
    clearInterval(timer);
  });
}
