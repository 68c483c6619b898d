// SPDX-License-Identifier: BSD-3-Clause
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { javascript } from "@codemirror/lang-javascript";
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { Compartment, EditorState, Prec } from "@codemirror/state";
import { EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";

/** What the editor tells, and what it is called. */
export interface Surroundings {
  readonly text: string;
  readonly editable: boolean;
  readonly label: string;
  /** How to get out of it by keyboard, for those who listen. */
  readonly description: string;
  changed(text: string): void;
  /** Ctrl+Enter, or Command+Enter. */
  sent(): void;
}

// Colours are the page's own, so that they follow its theme.
const HIGHLIGHT = HighlightStyle.define([
  { tag: [tags.keyword, tags.modifier, tags.operatorKeyword], color: "var(--accent-ink)", fontWeight: "600" },
  { tag: [tags.string, tags.regexp, tags.special(tags.string)], color: "var(--good)" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: "var(--warn)" },
  { tag: tags.comment, color: "var(--quiet)", fontStyle: "italic" },
  { tag: [tags.function(tags.variableName), tags.function(tags.propertyName)], fontWeight: "600" },
  { tag: tags.invalid, color: "var(--bad)" },
]);

const THEME = EditorView.theme({
  "&": { height: "100%", color: "var(--ink)", backgroundColor: "var(--card)" },
  // Its host shows the focus.
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", fontSize: "0.9rem", lineHeight: "1.55" },
  ".cm-content": { caretColor: "var(--ink)", padding: "0.5rem 0" },
  ".cm-gutters": { color: "var(--quiet)", backgroundColor: "var(--tile)", borderRight: "1px solid var(--line)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--line) 35%, transparent)" },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--line)", outline: "1px solid var(--edge)" },
});

/**
 * What is typed over a selection is put in its place here.
 *
 * Browsers would do it in their own way, and keep the look of what was there by inline styles: these
 * the policy of the page forbids, and complains of.
 */
const TYPE_OVER = EditorView.domEventHandlers({
  beforeinput: (event, view) => {
    const { inputType, data } = event;
    const { state } = view;
    if (inputType !== "insertText" || data === null || view.composing || state.readOnly || state.selection.main.empty) {
      return false;
    }
    view.dispatch(state.replaceSelection(data), { userEvent: "input.type", scrollIntoView: true });
    return true;
  },
});

/** Lines that are longer than the screen of a telephone are broken there. */
const NARROW = "(max-width: 40rem)";

/** An editor for JavaScript. */
export class Editor {
  private readonly view: EditorView;
  private readonly locking = new Compartment();

  /** The editor fills `host`. */
  constructor(host: HTMLElement, surroundings: Surroundings) {
    // In a document the editor's styles would be an element that the policy of the page forbids;
    // below a shadow root they are a style sheet of its own.
    const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
    const send = { key: "Mod-Enter", run: () => (surroundings.sent(), true) };
    this.view = new EditorView({
      parent: root,
      root,
      doc: surroundings.text,
      extensions: [
        Prec.highest(keymap.of([send])),
        lineNumbers(),
        highlightActiveLine(),
        highlightActiveLineGutter(),
        history(),
        indentOnInput(),
        bracketMatching(),
        javascript(),
        syntaxHighlighting(HIGHLIGHT),
        THEME,
        TYPE_OVER,
        keymap.of([...defaultKeymap, ...historyKeymap, indentWithTab]),
        matchMedia(NARROW).matches ? EditorView.lineWrapping : [],
        EditorView.contentAttributes.of({
          "aria-label": surroundings.label,
          "aria-description": surroundings.description,
        }),
        this.locking.of(locks(surroundings.editable)),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) surroundings.changed(this.text);
        }),
      ],
    });
  }

  get text(): string {
    return this.view.state.doc.toString();
  }

  /** Put another text in place of all; one can go back to what was there. */
  replace(text: string): void {
    if (text === this.text) return;
    this.view.dispatch({ changes: { from: 0, to: this.view.state.doc.length, insert: text } });
  }

  allow(editable: boolean): void {
    this.view.dispatch({ effects: this.locking.reconfigure(locks(editable)) });
  }

  focus(): void {
    this.view.focus();
  }

  destroy(): void {
    this.view.destroy();
  }
}

/** What cannot be changed can still be read, and so be reached by the keyboard. */
function locks(editable: boolean): ReturnType<typeof EditorState.readOnly.of> {
  return EditorState.readOnly.of(!editable);
}
