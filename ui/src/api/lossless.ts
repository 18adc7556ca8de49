// JSON whose integers beyond 2^53 stay exact: they become BigInt, where the browser hands the parser the source text.
// (Keys such as 64-bit ids would otherwise be shown with wrong last digits.)

interface ReviverContext {
  source?: string;
}

type Reviver = (this: unknown, key: string, value: unknown, context?: ReviverContext) => unknown;

const keep_integers: Reviver = (_key, value, context) => {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context?.source;
  return source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : value;
};

export function parse_json(text: string): unknown {
  // The reviver visits every value; a text without a long run of digits cannot need it.
  return /\d{16}/.test(text) ? JSON.parse(text, keep_integers as (key: string, value: unknown) => unknown) : JSON.parse(text);
}

interface JsonWithRaw {
  rawJSON?: (text: string) => unknown;
}

export function write_json(value: unknown, indent?: number): string {
  const raw = (JSON as unknown as JsonWithRaw).rawJSON;
  const replace = (_key: string, item: unknown): unknown =>
    typeof item === 'bigint' ? (raw ? raw(item.toString()) : item.toString()) : item;
  return JSON.stringify(value, replace, indent) ?? String(value);
}
