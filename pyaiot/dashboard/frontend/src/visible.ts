// SPDX-License-Identifier: BSD-3-Clause
import { onMounted, onUnmounted, readonly, shallowRef, type Ref } from "vue";

/** Whether an element is in sight; what nobody sees need not be drawn. */
export function useVisible(element: Readonly<Ref<HTMLElement | null>>): Readonly<Ref<boolean>> {
  const visible = shallowRef(false);
  const observer = new IntersectionObserver((entries) => {
    visible.value = entries.at(-1)?.isIntersecting === true;
  });
  onMounted(() => {
    if (element.value !== null) observer.observe(element.value);
  });
  onUnmounted(() => {
    observer.disconnect();
  });
  return readonly(visible);
}
