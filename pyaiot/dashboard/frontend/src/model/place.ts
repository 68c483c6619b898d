// SPDX-License-Identifier: BSD-3-Clause

/** Ways to look at the nodes. */
export const VIEWS = ["cards", "table", "map"] as const;
/** What there is to see besides. */
export const PAGES = ["login", "setup", "account", "devices", "device", "users", "inbox", "audit", "health", "alerts", "rules", "channels"] as const;
export type PageName = (typeof PAGES)[number];
export type View = (typeof VIEWS)[number] | PageName;

/**
 * Where on the page somebody is: all that a link to the same sight must hold.
 *
 * `params` are the rest: what is filtered, sorted, grouped; which node and resource are open
 * (`node`, `resource`), over which time (`range`, `span`). Each part of the page knows its own.
 */
export interface Place {
  readonly view: View;
  readonly params: Readonly<Record<string, string>>;
}

/** Characters of an address that are looked at. */
const LONGEST = 8_000;

/** The place that the part of an address behind `#` names; whatever is wrong with it is left out. */
export function parsePlace(hash: string, fallback: View): Place {
  const text = hash.slice(0, LONGEST).replace(/^#?\/?/, "");
  const mark = text.indexOf("?");
  const [name, query] = mark < 0 ? [text, ""] : [text.slice(0, mark), text.slice(mark + 1)];
  const view = [...VIEWS, ...PAGES].find((each) => each === name) ?? fallback;
  return { view, params: Object.fromEntries(new URLSearchParams(query)) };
}

/** The part of an address from `#` on that names a place. */
export function placeText({ view, params }: Place): string {
  const query = new URLSearchParams(params).toString();
  return `#/${view}${query === "" ? "" : `?${query}`}`;
}

/** What a span of time is of: another one of these begins with its own. */
const SIGHT = ["node", "resource", "range"] as const;

/** Whether that shows something besides the nodes. */
export function isPage(view: View): view is PageName {
  return PAGES.some((each) => each === view);
}

/**
 * The place after a change; a parameter is taken away by `null`.
 *
 * Who looks at something else does not look at the same time (`span`), unless the change says so.
 * The ways to look at the nodes share what is filtered and open; elsewhere it means nothing.
 */
export function moved(
  place: Place,
  change: { readonly view?: View; readonly params?: Readonly<Record<string, string | null>> },
): Place {
  const view = change.view ?? place.view;
  const kept: Place["params"] = view === place.view || !(isPage(view) || isPage(place.view)) ? place.params : {};
  const params: Record<string, string> = {};
  const turned = SIGHT.some((name) => name in (change.params ?? {}) && (change.params?.[name] ?? "") !== (kept[name] ?? ""));
  const { span, ...others } = kept;
  for (const [name, value] of Object.entries({ ...others, span: turned ? null : (span ?? null), ...change.params })) {
    if (value !== null && value !== "") params[name] = value;
  }
  return { view, params };
}
