// The SQL editor: CodeMirror in a shadow root. There its styles go in as constructed style sheets, which the
// Content-Security-Policy allows; in the document itself they would be <style> elements, which it refuses.
import { acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, type Completion, type CompletionContext } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { sql, type SQLNamespace } from '@codemirror/lang-sql';
import { bracketMatching, HighlightStyle, indentUnit, syntaxHighlighting, syntaxTree } from '@codemirror/language';
import { lintKeymap, setDiagnostics } from '@codemirror/lint';
import { Compartment, EditorState, Prec, RangeSetBuilder } from '@codemirror/state';
import { Decoration, drawSelection, EditorView, highlightActiveLine, highlightSpecialChars, keymap, lineNumbers, placeholder, ViewPlugin, type DecorationSet, type ViewUpdate } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import type { Catalog, CatalogTable, Position } from '../../api/types';
import { redshift } from './dialect';
import { bare_table, statement_at, statements_in, type Span } from './statements';

export interface Editor {
  text: () => string;
  /** What would run: what is selected, else the statement at the cursor. */
  chosen: () => Span | null;
  set_text: (text: string) => void;
  insert: (text: string) => void;
  set_catalog: (catalog: Catalog) => void;
  mark_error: (message: string, position: Position | null) => void;
  clear_error: () => void;
  focus: () => void;
  destroy: () => void;
}

const highlighting = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: 'var(--syntax-keyword)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--syntax-string)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--syntax-number)' },
  { tag: [tags.typeName, tags.standard(tags.name), tags.special(tags.name)], color: 'var(--syntax-name)' },
  { tag: [tags.lineComment, tags.blockComment], color: 'var(--syntax-comment)', fontStyle: 'italic' },
]);

const look = EditorView.theme({
  '&': { height: '100%', fontSize: '13.5px', color: 'var(--text)', backgroundColor: 'transparent' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--font-mono)', lineHeight: '1.55', overflow: 'auto' },
  '.cm-content': { padding: '10px 0', caretColor: 'var(--text)' },
  '.cm-line': { padding: '0 12px 0 8px' },
  '.cm-cursor': { borderLeftColor: 'var(--text)', borderLeftWidth: '1.5px' },
  '.cm-gutters': { backgroundColor: 'transparent', color: 'var(--text-muted)', border: '0' },
  '.cm-lineNumbers .cm-gutterElement': { padding: '0 6px 0 12px', minWidth: '34px' },
  '.cm-activeLine': { backgroundColor: 'color-mix(in srgb, var(--surface-sunken) 60%, transparent)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: 'color-mix(in srgb, var(--accent) 26%, transparent)' },
  '&.cm-focused .cm-matchingBracket': { backgroundColor: 'var(--accent-soft)', outline: '1px solid var(--accent)' },
  '.cm-chosen': { boxShadow: 'inset 2px 0 0 var(--accent)' },
  '.cm-placeholder': { color: 'var(--text-muted)' },
  '.cm-tooltip': { backgroundColor: 'var(--surface-raised)', color: 'var(--text)', border: '1px solid var(--line-strong)', borderRadius: '6px', overflow: 'hidden' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--font-mono)', fontSize: '12.5px', maxHeight: '16em' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li': { padding: '3px 10px 3px 4px' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { backgroundColor: 'var(--accent)', color: 'var(--accent-text)' },
  '.cm-completionDetail': { fontStyle: 'normal', opacity: '0.8', marginLeft: '1em' },
  '.cm-completionIcon': { opacity: '0.7' },
  '.cm-lintRange-error': { backgroundImage: 'none', textDecoration: 'underline wavy var(--refused)', textUnderlineOffset: '3px', backgroundColor: 'var(--refused-soft)' },
  '.cm-lintPoint-error:after': { borderBottomColor: 'var(--refused)' },
  '.cm-diagnostic-error': { borderLeftColor: 'var(--refused)' },
  '.cm-tooltip-lint': { padding: '2px 0' },
});

function namespace_of(catalog: Catalog): SQLNamespace {
  const tables: Record<string, SQLNamespace> = {};
  for (const table of catalog.tables) {
    const columns: Completion[] = table.columns.map((column) => ({ label: column.name, detail: column.type, type: 'property' }));
    const name = bare_table(table.name);
    tables[name] = { self: { label: name, detail: table.kind, type: 'type', boost: 10 }, children: columns };
  }
  return tables;
}

/** Columns of the tables that the text names, without a prefix: `SELECT a` completes before and after FROM. */
function columns_in_use(tables: CatalogTable[]): (context: CompletionContext) => { from: number; options: Completion[]; validFor: RegExp } | null {
  return (context) => {
    const word = context.matchBefore(/\w+/);
    if (!word && !context.explicit) return null;
    const from = word?.from ?? context.pos;
    if (context.state.sliceDoc(from - 1, from) === '.') return null;
    const node = syntaxTree(context.state).resolveInner(context.pos, -1).name;
    if (node.includes('String') || node.includes('Comment')) return null;
    const words = new Set(context.state.doc.toString().toLowerCase().match(/\w+/g) ?? []);
    const options = tables
      .filter((table) => words.has((table.name.split('.').at(-1) ?? '').toLowerCase()))
      .flatMap((table) => table.columns.map((column) => ({ label: column.name, detail: column.type, type: 'property', boost: 20 })));
    return { from, options, validFor: /^\w*$/ };
  };
}

function functions_of(catalog: Catalog): (context: CompletionContext) => { from: number; options: Completion[]; validFor: RegExp } | null {
  const options: Completion[] = catalog.functions.filter((one) => /^\w+$/.test(one.name)).map((one) => ({ label: one.name, apply: `${one.name}(`, type: 'function', boost: -10 }));
  return (context) => {
    const word = context.matchBefore(/\w+/);
    if (!word || context.state.sliceDoc(word.from - 1, word.from) === '.') return null;
    const node = syntaxTree(context.state).resolveInner(context.pos, -1).name;
    return node.includes('String') || node.includes('Comment') ? null : { from: word.from, options, validFor: /^\w*$/ };
  };
}

function language_for(catalog: Catalog) {
  const language = sql({ dialect: redshift, schema: namespace_of(catalog), upperCaseKeywords: true });
  return [language, redshift.language.data.of({ autocomplete: functions_of(catalog) }), redshift.language.data.of({ autocomplete: columns_in_use(catalog.tables) })];
}

function chosen_in(state: EditorState): Span | null {
  const { from, to, empty } = state.selection.main;
  const text = state.doc.toString();
  if (empty || text.slice(from, to).trim() === '') return statement_at(text, from);
  const [first, ...others] = statements_in(text.slice(from, to));
  if (!first) return null;
  // Several statements go as they are: the server says that it takes one at a time.
  return { from: from + first.from, to: from + (others.at(-1) ?? first).to };
}

/** A line beside the statement that would run, where there are several. */
const chosen_mark = ViewPlugin.fromClass(
  class {
    decorations: DecorationSet;
    constructor(view: EditorView) {
      this.decorations = this.build(view.state);
    }
    update(update: ViewUpdate) {
      if (update.docChanged || update.selectionSet) this.decorations = this.build(update.state);
    }
    build(state: EditorState): DecorationSet {
      const marks = new RangeSetBuilder<Decoration>();
      const span = state.selection.main.empty && statements_in(state.doc.toString()).length > 1 ? chosen_in(state) : null;
      if (span) {
        for (let line = state.doc.lineAt(span.from); ; line = state.doc.line(line.number + 1)) {
          marks.add(line.from, line.from, Decoration.line({ class: 'cm-chosen' }));
          if (line.to >= span.to || line.number === state.doc.lines) break;
        }
      }
      return marks.finish();
    }
  },
  { decorations: (plugin) => plugin.decorations },
);

export function create_editor(host: HTMLElement, text: string, events: { on_run: () => void; on_change: (text: string) => void }): Editor {
  const root = host.attachShadow({ mode: 'open' });
  const language = new Compartment();
  const run = (): boolean => {
    events.on_run();
    return true;
  };
  const state = EditorState.create({
    doc: text,
    extensions: [
      Prec.highest(keymap.of([{ key: 'Mod-Enter', run }, { key: 'Tab', run: acceptCompletion }])),
      lineNumbers(),
      highlightSpecialChars(),
      history(),
      drawSelection(),
      EditorState.allowMultipleSelections.of(true),
      bracketMatching(),
      closeBrackets(),
      autocompletion({ icons: false, maxRenderedOptions: 60 }),
      highlightActiveLine(),
      chosen_mark,
      indentUnit.of('  '),
      syntaxHighlighting(highlighting),
      placeholder('SELECT …'),
      EditorView.lineWrapping,
      EditorView.contentAttributes.of({ 'aria-label': 'SQL statement', 'data-testid': 'sql-editor', spellcheck: 'false' }),
      // Escape, then Tab leaves the editor: the keyboard is never caught in it.
      keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...completionKeymap, ...lintKeymap, indentWithTab]),
      language.of(language_for({ tables: [], functions: [] })),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) events.on_change(update.state.doc.toString());
      }),
      look,
    ],
  });
  const view = new EditorView({ state, parent: root, root });
  return wrap(view, language);
}

function wrap(view: EditorView, language: Compartment): Editor {
  return {
    text: () => view.state.doc.toString(),
    chosen: () => chosen_in(view.state),
    set_text: (text) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text }, selection: { anchor: text.length } }),
    insert: (text) => {
      view.dispatch(view.state.replaceSelection(text));
      view.focus();
    },
    set_catalog: (catalog) => view.dispatch({ effects: language.reconfigure(language_for(catalog)) }),
    mark_error: (message, position) => mark_error(view, message, position),
    clear_error: () => view.dispatch(setDiagnostics(view.state, [])),
    focus: () => view.focus(),
    destroy: () => view.destroy(),
  };
}

function mark_error(view: EditorView, message: string, position: Position | null): void {
  const doc = view.state.doc;
  if (!position?.line || position.line > doc.lines) return;
  const line = doc.line(position.line);
  const from = Math.min(line.to, line.from + Math.max(0, (position.column ?? 1) - 1));
  const word = /^(\w+|\S)/.exec(doc.sliceString(from, line.to))?.[0].length ?? 0;
  const to = Math.min(doc.length, from + Math.max(1, word));
  view.dispatch(setDiagnostics(view.state, [{ from: Math.min(from, to), to, severity: 'error', message }]), { effects: EditorView.scrollIntoView(from) });
}
