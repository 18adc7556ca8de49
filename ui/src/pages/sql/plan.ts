// The engine's plan of a statement, from what EXPLAIN (FORMAT JSON) and EXPLAIN (ANALYZE, FORMAT JSON) answer. Pure.
import type { SqlResult } from '../../api/types';

export interface PlanStep {
  depth: number;
  /** The engine's own word, for those who know it. */
  operator: string;
  name: string;
  details: { name: string; text: string }[];
  estimated: number | null;
  /** Only of a plan that was run. */
  actual: number | null;
  seconds: number | null;
}

export interface Plan {
  steps: PlanStep[];
  was_run: boolean;
  seconds: number;
}

interface Node {
  name?: string;
  operator_name?: string;
  operator_cardinality?: number;
  operator_timing?: number;
  extra_info?: Record<string, unknown>;
  children?: Node[];
}

const kNames: Record<string, string> = {
  WEIR_SCAN: 'Scan', SEQ_SCAN: 'Scan', TABLE_SCAN: 'Scan', INDEX_SCAN: 'Index scan', READ_PARQUET: 'Scan files', COLUMN_DATA_SCAN: 'Scan values', DUMMY_SCAN: 'One row', EMPTY_RESULT: 'No rows',
  HASH_JOIN: 'Join (hash)', NESTED_LOOP_JOIN: 'Join (loops)', PIECEWISE_MERGE_JOIN: 'Join (merge)', IE_JOIN: 'Join (inequality)', BLOCKWISE_NL_JOIN: 'Join (loops)', CROSS_PRODUCT: 'Every pair', POSITIONAL_JOIN: 'Join (by place)',
  LEFT_DELIM_JOIN: 'Join (subquery)', RIGHT_DELIM_JOIN: 'Join (subquery)', DELIM_SCAN: 'Scan of the subquery’s keys', HASH_GROUP_BY: 'Group', PERFECT_HASH_GROUP_BY: 'Group (small keys)', PARTITIONED_AGGREGATE: 'Group (by partition)', UNGROUPED_AGGREGATE: 'Aggregate', SIMPLE_AGGREGATE: 'Aggregate',
  ORDER_BY: 'Sort', TOP_N: 'First rows in order', LIMIT: 'Limit', STREAMING_LIMIT: 'Limit', LIMIT_PERCENT: 'Limit', FILTER: 'Filter', PROJECTION: 'Compute columns', WINDOW: 'Window', STREAMING_WINDOW: 'Window', UNNEST: 'Unnest',
  UNION: 'Union', CTE: 'Common table', CTE_SCAN: 'Scan of a common table', RECURSIVE_CTE: 'Recursion', INSERT: 'Insert', UPDATE: 'Update', DELETE_OPERATOR: 'Delete', DELETE: 'Delete',
};

function words(operator: string): string {
  const text = operator.replaceAll('_', ' ').toLowerCase();
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function number_in(value: unknown): number | null {
  const found = typeof value === 'string' || typeof value === 'number' ? Number(value) : Number.NaN;
  return Number.isFinite(found) ? found : null;
}

function add(node: Node, depth: number, was_run: boolean, into: PlanStep[]): void {
  const operator = (node.operator_name ?? node.name ?? '').trim();
  if (operator === 'EXPLAIN_ANALYZE' || operator === '') {
    for (const child of node.children ?? []) add(child, depth, was_run, into);
    return;
  }
  const info = Object.entries(node.extra_info ?? {}).filter(([name]) => name !== 'Estimated Cardinality');
  const text = (value: unknown) => (Array.isArray(value) ? value.map(String).join(', ') : typeof value === 'object' ? JSON.stringify(value) : String(value));
  into.push({
    depth,
    operator,
    name: kNames[operator] ?? words(operator),
    details: info.map(([name, value]) => ({ name, text: text(value) })).filter((one) => one.text !== ''),
    estimated: number_in(node.extra_info?.['Estimated Cardinality']),
    actual: was_run ? (node.operator_cardinality ?? null) : null,
    seconds: was_run ? (node.operator_timing ?? null) : null,
  });
  for (const child of node.children ?? []) add(child, depth + 1, was_run, into);
}

/** What a result is of an EXPLAIN: a tree, or the drawing as the engine made it; null of any other result. */
export function plan_of(result: SqlResult): { plan: Plan } | { drawing: string } | null {
  if (result.columns[0]?.name !== 'explain_key' || result.columns[1]?.name !== 'explain_value') return null;
  const texts = result.rows.map((row) => String(row[1] ?? ''));
  try {
    const roots = texts.flatMap((text) => JSON.parse(text) as Node | Node[]);
    const was_run = result.rows[0]?.[0] === 'analyzed_plan';
    const steps: PlanStep[] = [];
    for (const root of roots) add(root, 0, was_run, steps);
    return { plan: { steps, was_run, seconds: steps.reduce((sum, step) => sum + (step.seconds ?? 0), 0) } };
  } catch {
    return { drawing: texts.join('\n') };
  }
}

/** How often the greater holds the smaller, where that is worth a word: an estimate that misleads the planner. */
export function misjudged(step: PlanStep): number | null {
  if (step.estimated === null || step.actual === null) return null;
  const [low, high] = [Math.min(step.estimated, step.actual), Math.max(step.estimated, step.actual)];
  const times = high / Math.max(1, low);
  return high >= 1000 && times >= 10 ? Math.round(times) : null;
}

/** A statement that only reads: EXPLAIN ANALYZE runs what it explains. */
export function only_reads(sql: string): boolean {
  const bare = sql.replace(/--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'|"(?:[^"]|"")*"/g, ' ').trim();
  return /^\(*\s*(select|with|values|table|from)\b/i.test(bare) && !/\b(insert|update|delete|merge|into)\b/i.test(bare);
}
