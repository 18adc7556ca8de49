// What a derived table's state is in one word, and the graph that streams and tables make.
import type { StreamSummary, TableSummary } from '../api/types';
import type { Shown } from '../components/Graph.svelte';
import { compact, plural } from './format';

export type TableWord = 'fresh' | 'stale' | 'failed';

export function state_of(table: TableSummary): TableWord {
  if (table.problem) return 'failed';
  return table.partitions_stale > 0 || table.partitions_computed === 0 ? 'stale' : 'fresh';
}

export function note_of(table: TableSummary): string {
  if (table.problem) return 'cannot be computed';
  if (table.partitions_computed === 0 && table.partitions_stale === 0) return 'nothing to compute yet';
  if (table.partitions_stale > 0) return `${plural(table.partitions_stale, table.partition ? 'day' : 'part')} stale`;
  return `${compact(table.rows)} rows, fresh`;
}

export function graph_of(tables: TableSummary[], streams: StreamSummary[]): Shown[] {
  const known = new Map<string, Shown>();
  for (const stream of streams) {
    known.set(stream.name, { id: stream.name, kind: 'stream', reads: [], href: `/streams/${encodeURIComponent(stream.name)}`, note: `stream, ${compact(stream.rows_in_lake)} rows`, tone: 'plain' });
  }
  const tones = { fresh: 'good', stale: 'stale', failed: 'bad' } as const;
  for (const table of tables) {
    known.set(table.name, { id: table.name, kind: 'table', reads: table.reads, href: `/tables/${encodeURIComponent(table.name)}`, note: note_of(table), tone: tones[state_of(table)] });
  }
  // What people loaded, and quarantines: read, and declared nowhere.
  for (const name of tables.flatMap((table) => table.reads)) {
    if (!known.has(name)) known.set(name, { id: name, kind: 'outside', reads: [], href: `/sql#sql=${encodeURIComponent(`SELECT *\nFROM ${name}\nLIMIT 100`)}`, note: 'loaded table', tone: 'plain' });
  }
  return [...known.values()];
}

/** The table with everything it is made of and everything made of it. */
export function around(nodes: Shown[], name: string): Shown[] {
  const by_id = new Map(nodes.map((node) => [node.id, node]));
  const wanted = new Set<string>();
  const up = (id: string) => {
    if (wanted.has(id)) return;
    wanted.add(id);
    for (const read of by_id.get(id)?.reads ?? []) up(read);
  };
  up(name);
  const down = (id: string) => {
    for (const node of nodes) {
      if (!node.reads.includes(id) || wanted.has(node.id)) continue;
      wanted.add(node.id);
      down(node.id);
    }
  };
  down(name);
  return nodes.filter((node) => wanted.has(node.id));
}
