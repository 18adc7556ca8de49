// How the lines of a chart are told apart: what a line means decides its colour where it means something everywhere, its
// place otherwise; a dash as well, because colours alone do not tell lines apart for everybody.
const kMeanings: [RegExp, string][] = [
  [/^(accepted|done|ok)$/i, '--accepted'],
  [/^duplicates?$/i, '--duplicate'],
  [/^(quarantined|stopped)$/i, '--quarantined'],
  [/^(refused|failed|errors?)$/i, '--refused'],
];
const kColors = ['--line-1', '--line-2', '--line-3', '--line-4', '--line-5', '--line-6'];
const kDashes: number[][] = [[], [7, 4], [2, 3], [10, 3, 2, 3]];

export interface LineStyle {
  color: string;
  dash: number[];
}

export function line_styles(labels: string[]): LineStyle[] {
  let free = 0;
  return labels.map((label) => {
    const meaning = kMeanings.find(([pattern]) => pattern.test(label));
    if (meaning) return { color: meaning[1], dash: [] };
    const place = free++;
    return { color: kColors[place % kColors.length]!, dash: kDashes[Math.floor(place / kColors.length) % kDashes.length]! };
  });
}
