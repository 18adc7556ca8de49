// From what a file holds to the statements that load it: names and types of columns, CREATE TABLE and COPY in the warehouse's words. Pure.
import type { Cell, FileShape } from '../../api/types';

export interface LoadColumn {
  /** As the file has it. */
  from: string;
  name: string;
  type: string;
}

export interface LoadOrder {
  table: string;
  /** The table is there: rows are added to it, its own types count. */
  is_there: boolean;
  columns: LoadColumn[];
}

/** What the assistant offers; any other type can be written. */
export const kTypes = ['SMALLINT', 'INTEGER', 'BIGINT', 'DOUBLE PRECISION', 'REAL', 'DECIMAL(18,2)', 'DECIMAL(38,0)', 'BOOLEAN', 'DATE', 'TIMESTAMP', 'TIMESTAMPTZ', 'TIME', 'VARCHAR(MAX)', 'SUPER'];

/** The engine's type as the warehouse writes it. */
export function type_of(engine: string): string {
  const plain: Record<string, string> = {
    TINYINT: 'SMALLINT', UTINYINT: 'SMALLINT', USMALLINT: 'INTEGER', UINTEGER: 'BIGINT', UBIGINT: 'DECIMAL(20,0)', HUGEINT: 'DECIMAL(38,0)', UHUGEINT: 'DECIMAL(38,0)', FLOAT: 'REAL', DOUBLE: 'DOUBLE PRECISION', VARCHAR: 'VARCHAR(MAX)', UUID: 'VARCHAR(36)',
    JSON: 'SUPER', BLOB: 'VARBYTE', 'TIMESTAMP WITH TIME ZONE': 'TIMESTAMPTZ', TIMESTAMP_NS: 'TIMESTAMP', TIMESTAMP_MS: 'TIMESTAMP', TIMESTAMP_S: 'TIMESTAMP', '"NULL"': 'VARCHAR(MAX)',
  };
  if (/^(STRUCT|MAP|UNION)\b|\[\d*\]$/.test(engine)) return 'SUPER';
  if (engine.startsWith('ENUM')) return 'VARCHAR(MAX)';
  return plain[engine] ?? engine;
}

/** A name as people write it without quotes: `Unit price (€)` is unit_price. */
export function plain_name(text: string): string {
  const plain = text.normalize('NFKD').replace(/[\u0300-\u036f]/g, '').toLowerCase().replaceAll('ß', 'ss').replaceAll('æ', 'ae').replaceAll('œ', 'oe').replaceAll('ø', 'o').replaceAll('ł', 'l').replace(/[^a-z0-9_]+/g, '_').replace(/^_+|_+$/g, '').slice(0, 60);
  return plain === '' ? 'column' : /^[0-9]/.test(plain) ? `c_${plain}` : plain;
}

const kPatternParts: Record<string, string> = { '%Y': 'YYYY', '%y': 'YY', '%m': 'MM', '%-m': 'MM', '%d': 'DD', '%-d': 'DD', '%H': 'HH24', '%-H': 'HH24', '%I': 'HH12', '%M': 'MI', '%S': 'SS', '%f': 'US', '%p': 'AM', '%b': 'MON', '%B': 'MONTH' };

/** %d/%m/%Y as COPY writes it, DD/MM/YYYY; null: COPY has no words for it. */
export function pattern_of(engine: string): string | null {
  let is_known = true;
  const out = engine.replace(/%-?./g, (part) => kPatternParts[part] ?? ((is_known = false), part));
  return is_known && !/[a-z']/.test(out.replaceAll('T', '')) ? out : null;
}

const is_iso = (pattern: string): boolean => /^%Y-%m-%d([ T]%H:%M:%S(\.%f)?)?$/.test(pattern);

/** The columns as they are proposed: names without quotes and each once, types that COPY can read. */
export function proposed(shape: FileShape): LoadColumn[] {
  const taken = new Set<string>();
  const unreadable = (type: string) =>
    (type === 'DATE' && shape.csv?.date_format && !is_iso(shape.csv.date_format) && pattern_of(shape.csv.date_format) === null) ||
    (type === 'TIMESTAMP' && shape.csv?.timestamp_format && !is_iso(shape.csv.timestamp_format) && pattern_of(shape.csv.timestamp_format) === null);
  return shape.columns.map((column) => {
    const base = plain_name(column.name);
    let name = base;
    for (let n = 2; taken.has(name); n += 1) name = `${base}_${n}`;
    taken.add(name);
    const type = type_of(column.type);
    return { from: column.name, name, type: unreadable(type) ? 'VARCHAR(MAX)' : type };
  });
}

const quoted_text = (text: string): string => `'${text.replaceAll("'", "''")}'`;
export const quoted_name = (name: string): string => (/^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`);

/** What is wrong with the names and types; empty: nothing. */
export function mistakes_of(order: LoadOrder): string[] {
  const out: string[] = [];
  if (!/^([a-z_][a-z0-9_]*\.)?[a-z_][a-z0-9_]{0,126}$/.test(order.table)) out.push('The table needs a name of a-z, 0-9 and _, with its schema before a point if it is not public.');
  const seen = new Set<string>();
  for (const column of order.columns) {
    if (column.name.trim() === '') out.push(`The column that the file calls ${column.from} needs a name.`);
    else if (seen.has(column.name)) out.push(`Two columns are called ${column.name}.`);
    seen.add(column.name);
    if (column.type.trim() === '' || /[;'"]|--|\/\*/.test(column.type)) out.push(`${column.name} needs a type, for example VARCHAR(200).`);
  }
  return out;
}

function copy_of(place: string, shape: FileShape, order: LoadOrder, names: string[]): string {
  const words = [`COPY ${order.table} (${names.map(quoted_name).join(', ')})`, `FROM ${quoted_text(place)}`];
  if (shape.format === 'parquet') return [...words, 'FORMAT AS PARQUET'].join('\n');
  const options: string[] = [];
  if (shape.format === 'json') options.push("FORMAT AS JSON 'auto'");
  else {
    options.push('CSV');
    const delimiter = shape.csv?.delimiter ?? ',';
    if (delimiter !== ',') options.push(`DELIMITER ${delimiter === '\t' ? "'\\t'" : quoted_text(delimiter)}`);
    if (shape.csv?.quote && shape.csv.quote !== '"') options.push(`QUOTE ${quoted_text(shape.csv.quote)}`);
    if ((shape.csv?.skipped_lines ?? 0) > 0) options.push(`IGNOREHEADER ${shape.csv?.skipped_lines}`);
  }
  const has = (type: RegExp) => order.columns.some((column) => type.test(column.type));
  const date = shape.csv?.date_format;
  const time = shape.csv?.timestamp_format;
  if (date && !is_iso(date) && pattern_of(date) && has(/^DATE$/i)) options.push(`DATEFORMAT ${quoted_text(pattern_of(date) ?? '')}`);
  if (time && !is_iso(time) && pattern_of(time) && has(/^TIMESTAMP/i)) options.push(`TIMEFORMAT ${quoted_text(pattern_of(time) ?? '')}`);
  if (shape.compression) options.push(shape.compression === 'gzip' ? 'GZIP' : 'ZSTD');
  return [...words, ...options].join('\n');
}

/** In their order. JSON is loaded under the file's own names, and renamed after; everything else goes by the columns' order. */
export function statements_of(place: string, shape: FileShape, order: LoadOrder): string[] {
  const by_name = shape.format === 'json';
  const at_first = order.columns.map((column) => (by_name && !order.is_there ? column.from : column.name));
  const out: string[] = [];
  if (!order.is_there) out.push(`CREATE TABLE ${order.table} (\n${order.columns.map((column, i) => `  ${quoted_name(at_first[i] ?? '')} ${column.type}`).join(',\n')}\n)`);
  out.push(copy_of(place, shape, order, at_first));
  if (by_name && !order.is_there) {
    for (const column of order.columns) {
      if (column.from !== column.name) out.push(`ALTER TABLE ${order.table} RENAME COLUMN ${quoted_name(column.from)} TO ${quoted_name(column.name)}`);
    }
  }
  return out;
}

export function shown_cell(cell: Cell | undefined): string {
  if (cell === null || cell === undefined) return 'NULL';
  return typeof cell === 'object' ? JSON.stringify(cell) : String(cell);
}
