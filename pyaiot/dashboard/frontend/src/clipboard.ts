// SPDX-License-Identifier: BSD-3-Clause

/** Copy a text; whether that was possible. */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return byEvent(text);
  }
}

/** Browsers have no clipboard for pages that came without TLS, but they let pages answer a copy command. */
function byEvent(text: string): boolean {
  const answer = (event: ClipboardEvent): void => {
    event.preventDefault();
    event.stopImmediatePropagation();
    event.clipboardData?.setData("text/plain", text);
  };
  document.addEventListener("copy", answer, { capture: true });
  try {
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- there is nothing else for such pages
    return document.execCommand("copy");
  } finally {
    document.removeEventListener("copy", answer, { capture: true });
  }
}
