// Places for the nodes of a dependency graph: a column is how far a node stands from what reads nothing, and inside a
// column nodes come in the order of what they read, so that few lines cross. Pure.
export interface GraphNode {
  id: string;
  kind: 'stream' | 'table' | 'outside';
  reads: string[];
}

export interface Placed extends GraphNode {
  column: number;
  row: number;
}

export interface Layout {
  nodes: Placed[];
  edges: { from: Placed; to: Placed }[];
  columns: number;
  rows: number;
}

export function layout(nodes: GraphNode[]): Layout {
  const by_id = new Map(nodes.map((node) => [node.id, node]));
  const depths = new Map<string, number>();
  const depth_of = (id: string, above: Set<string>): number => {
    const known = depths.get(id);
    if (known !== undefined) return known;
    const node = by_id.get(id);
    if (!node || above.has(id)) return 0; // a circle is refused by plan; drawing must end all the same
    above.add(id);
    const depth = node.reads.length === 0 ? 0 : 1 + Math.max(...node.reads.map((read) => (by_id.has(read) ? depth_of(read, above) : -1)));
    above.delete(id);
    depths.set(id, Math.max(0, depth));
    return Math.max(0, depth);
  };
  const columns: Placed[][] = [];
  for (const node of nodes) {
    const column = depth_of(node.id, new Set());
    (columns[column] ??= []).push({ ...node, column, row: 0 });
  }
  const placed = new Map<string, Placed>();
  for (const column of columns) {
    const weight = (node: Placed) => {
      const rows = node.reads.map((read) => placed.get(read)?.row).filter((row) => row !== undefined);
      return rows.length === 0 ? Number.MAX_SAFE_INTEGER : rows.reduce((sum, row) => sum + row, 0) / rows.length;
    };
    column?.sort((a, b) => weight(a) - weight(b) || a.id.localeCompare(b.id)).forEach((node, row) => {
      node.row = row;
      placed.set(node.id, node);
    });
  }
  const all = [...placed.values()];
  return {
    nodes: all,
    edges: all.flatMap((to) => to.reads.flatMap((read) => (placed.has(read) ? [{ from: placed.get(read)!, to }] : []))),
    columns: columns.length,
    rows: Math.max(0, ...columns.map((column) => column?.length ?? 0)),
  };
}
