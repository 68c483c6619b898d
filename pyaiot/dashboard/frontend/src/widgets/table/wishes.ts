// SPDX-License-Identifier: BSD-3-Clause
import { computed, type ComputedRef } from "vue";

import { go, place } from "../../address";
import { nodeHidden, resourceHidden } from "../../hidden";
import { firmwareOf } from "../../model/firmware";
import { presenceOf, type Node, type Resource } from "../../model/state";
import type { Reader } from "../../model/table/cells";
import { parseFilter, type Content, type FilterError } from "../../model/table/filter";
import { filterParam, filterTexts, parseSort, sortedBy, sortText, type Sort } from "../../model/table/params";
import type { Query } from "../../model/table/rows";
import { titleOf } from "../../model/title";
import { textOf } from "../../model/value";
import { preferences } from "../../settings";
import { language, t } from "../../words";

/** What somebody asks of the table, as it stands in the address. */
export interface Wishes {
  readonly sorts: ComputedRef<readonly Sort[]>;
  /** The filters as they were typed, by column. */
  readonly texts: ComputedRef<ReadonlyMap<string, string>>;
  /** What is wrong with a filter, by column. */
  readonly errors: ComputedRef<ReadonlyMap<string, string>>;
  /** What is sought in any column. */
  readonly words: ComputedRef<string>;
  /** Whether anything of it leaves rows out. */
  readonly filtered: ComputedRef<boolean>;
  /** How cells are read as words of this page's language. */
  readonly reader: ComputedRef<Reader>;
  readonly query: ComputedRef<Query>;
  sort(column: string, add: boolean): void;
  filter(column: string, text: string): void;
  search(text: string): void;
  /** List all rows again. */
  clear(): void;
}

export function useWishes(): Wishes {
  // Texts, so that going elsewhere on the page asks nothing of the table anew.
  const sortParam = computed(() => place.value.params.sort ?? "");
  const words = computed(() => (place.value.params.q ?? "").trim());
  const presence = computed(() => place.value.params.availability ?? "");
  const filterParams = computed(() => JSON.stringify([...filterTexts(place.value.params)]));

  const sorts = computed(() => parseSort(sortParam.value));
  const texts = computed(() => new Map(JSON.parse(filterParams.value) as [string, string][]));
  const parsed = computed(() =>
    [...texts.value].map(([column, text]) => ({ column, filter: parseFilter(text, { ages: column === "heard" }) })),
  );
  const errors = computed(() => {
    const found = new Map<string, string>();
    for (const { column, filter } of parsed.value) {
      if (filter !== null && typeof filter !== "function") found.set(column, said(filter));
    }
    return found;
  });
  const filtered = computed(() => texts.value.size > 0 || words.value !== "" || presence.value !== "");

  const reader = computed<Reader>(() => {
    const { names } = preferences.value;
    return {
      titleOf: (node) => titleOf(node, names),
      presences: {
        online: t("page.markOnline"),
        late: t("page.markLate"),
        offline: t("page.markOffline"),
        gone: t("page.markGone"),
      },
      on: t("control.on"),
      off: t("control.off"),
      firmware: firmwareWord,
      language: language(),
      isHidden: resourceHidden,
    };
  });

  const query = computed<Query>(() => {
    const filters = new Map<string, (content: Content) => boolean>();
    for (const { column, filter } of parsed.value) if (typeof filter === "function") filters.set(column, filter);
    const anywhere = parseFilter(words.value);
    const presences = presence.value === "" ? null : new Set(presence.value.split(","));
    const { titleOf: called } = reader.value;
    return {
      sorts: sorts.value,
      filters,
      counts: (node) => !nodeHidden(node.uid),
      wants: (node) =>
        presences?.has(presenceOf(node)) !== false &&
        (typeof anywhere !== "function" || anywhere({ text: wordsOf(node, called(node)), number: null })),
      reader: reader.value,
    };
  });

  return {
    sorts,
    texts,
    errors,
    words,
    filtered,
    reader,
    query,
    sort(column, add) {
      go({ params: { sort: sortText(sortedBy(sorts.value, column, add)) } });
    },
    filter(column, text) {
      go({ params: { [filterParam(column)]: text } }, { quietly: true });
    },
    search(text) {
      go({ params: { q: text } }, { quietly: true });
    },
    clear() {
      const params: Record<string, null> = { q: null, availability: null };
      for (const column of texts.value.keys()) params[filterParam(column)] = null;
      go({ params });
    },
  };
}

function said({ error, part }: FilterError): string {
  return t(`table.${error}`, { part });
}

function firmwareWord({ resources }: Node, { value }: Resource): string {
  const { known: told, state } = firmwareOf(value, resources.get("dwnld")?.value);
  return told ? t(`control.firmware-${state}`) : t("control.firmware-unknown", { state });
}

/** All of a node that is sought in. */
function wordsOf({ uid, title, resources }: Node, name: string): string {
  return [name, title, uid, ...["protocol", "board", "os", "ip"].map((fact) => textOf(resources.get(fact)?.value))].join("\n");
}
