// Where the statements of a text begin and end: a ';' inside of quotes or a comment ends nothing. Pure.
export interface Span {
  from: number;
  to: number;
}

/** A table as a statement names it: the catalog says public.name, and every part that needs quotes gets them. */
export function table_in_sql(name: string): string {
  const quoted = (part: string) => (/^[a-z_][a-z0-9_]*$/.test(part) ? part : `"${part.replaceAll('"', '""')}"`);
  return bare_table(name).split('.').map(quoted).join('.');
}

/** Without the schema that is looked in anyway. */
export const bare_table = (name: string): string => name.replace(/^public\./, '');

/** The end of what begins at `at` and hides a ';': a quoted text, a quoted name, a comment. `at` itself: nothing does. */
function end_of_hidden(text: string, at: number): number {
  const close = (mark: string, from: number): number => {
    const found = text.indexOf(mark, from);
    return found < 0 ? text.length : found + mark.length;
  };
  if (text.startsWith('--', at)) return close('\n', at);
  if (text.startsWith('/*', at)) return end_of_comment(text, at);
  const quote = text[at];
  if (quote === '"') return close('"', at + 1);
  if (quote === "'") return /\be$/i.test(text.slice(Math.max(0, at - 2), at)) ? end_of_escaped(text, at) : close("'", at + 1);
  const dollar = quote === '$' ? /^\$([A-Za-z_]\w*)?\$/.exec(text.slice(at, at + 66)) : null;
  return dollar ? close(dollar[0], at + dollar[0].length) : at;
}

/** PostgreSQL's comments lie in one another. */
function end_of_comment(text: string, at: number): number {
  let depth = 0;
  do {
    if (text.startsWith('/*', at)) depth += 1;
    else if (text.startsWith('*/', at)) depth -= 1;
    else {
      at += 1;
      continue;
    }
    at += 2;
  } while (depth > 0 && at < text.length);
  return Math.min(at, text.length);
}

/** E'…', in which a backslash hides the next character. */
function end_of_escaped(text: string, at: number): number {
  for (at += 1; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === "'") return at + 1;
  }
  return text.length;
}

/** Without the ';' and the space around them; what is empty or only a comment is none. */
export function statements_in(text: string): Span[] {
  const found: Span[] = [];
  let from = 0;
  let has_words = false;
  const end = (to: number) => {
    if (has_words) {
      const whole = text.slice(from, to);
      found.push({ from: from + whole.length - whole.trimStart().length, to: from + whole.trimEnd().length });
    }
    has_words = false;
  };
  for (let at = 0; at < text.length; ) {
    const next = end_of_hidden(text, at);
    if (next > at) {
      has_words ||= !text.startsWith('--', at) && !text.startsWith('/*', at);
      at = next;
      continue;
    }
    if (text[at] === ';') {
      end(at);
      from = at + 1;
    } else if (!/\s/.test(text[at] ?? '')) has_words = true;
    at += 1;
  }
  end(text.length);
  return found;
}

/** The statement that the place lies in or directly behind; else the one before it, else the first. */
export function statement_at(text: string, at: number): Span | null {
  const all = statements_in(text);
  return all.find((one) => at >= one.from && at <= one.to) ?? all.findLast((one) => one.to < at) ?? all[0] ?? null;
}

/** Lines and columns of a part, counted from 1, as those of the whole text. */
export function place_in_whole<P extends { line?: number; column?: number }>(place: P, text: string, from: number): P {
  const before = text.slice(0, from).split('\n');
  const column = place.line === 1 && place.column ? place.column + (before.at(-1) ?? '').length : place.column;
  return place.line ? { ...place, line: place.line + before.length - 1, column } : place;
}
