// What all charts share: axes in the tokens' colours and in UTC, a size that follows the container.
import uPlot from 'uplot';
import { token_color } from '../lib/colors';

export const utc_date = (seconds: number): Date => {
  const date = new Date(seconds * 1000);
  return new Date(date.getTime() + date.getTimezoneOffset() * 60_000);
};

/** `span`: minutes need no date under the time of day; days do. */
export function axes(format_y: (value: number) => string, span: 'minutes' | 'days'): [uPlot.Axis, uPlot.Axis] {
  const stroke = token_color('--text-muted');
  const grid = { stroke: token_color('--line'), width: 1 };
  const font = `12px ${getComputedStyle(document.body).fontFamily}`;
  const ticks = { show: false };
  const x: uPlot.Axis = { stroke, font, grid: { show: false }, ticks: { ...grid, size: 4 }, space: (_chart, _axis, _low, _high, room) => (span === 'minutes' && room < 420 ? 36 : 76), size: span === 'minutes' ? 30 : 46, values: span === 'minutes' ? kMinuteLabels : kTimeLabels };
  const y: uPlot.Axis = { stroke, font, grid, ticks, size: 52, gap: 6, values: (_chart, splits) => splits.map((value) => (value === null ? '' : format_y(value))) };
  return [x, y];
}

// From coarse to fine: the step, the label, then the label's second line when a year, a day or a minute begins.
const kTimeLabels: uPlot.Axis.Values = [
  [86_400 * 365, '{YYYY}', null, null, null, null, null, null, 1],
  [86_400 * 28, '{YYYY}-{MM}', null, null, null, null, null, null, 1],
  [86_400, '{MM}-{DD}', '\n{YYYY}', null, null, null, null, null, 1],
  [60, '{HH}:{mm}', '\n{YYYY}-{MM}-{DD}', null, '\n{MM}-{DD}', null, null, null, 1],
  [1, '{HH}:{mm}:{ss}', '\n{YYYY}-{MM}-{DD}', null, null, null, null, null, 1],
  [0.001, '{ss}.{fff}', null, null, null, null, null, null, 1],
];

const kMinuteLabels: uPlot.Axis.Values = [
  [60, '{HH}:{mm}', null, null, null, null, null, null, 1],
  [1, '{HH}:{mm}:{ss}', null, null, null, null, null, null, 1],
];

/** Steps of an axis that counts records: no half ones. */
export const kWholeSteps = Array.from({ length: 13 }, (_, power) => [1, 2, 5].map((n) => n * 10 ** power)).flat();

/** Steps of an axis of bytes: what KiB and MiB are written as whole numbers of. */
export const kBinarySteps = Array.from({ length: 50 }, (_, power) => 2 ** power);

/** Keeps the chart as wide as its container; returns the end of it. */
export function follow_width(container: HTMLElement, chart: uPlot, height: number): () => void {
  const observer = new ResizeObserver(() => {
    const width = container.clientWidth;
    if (width > 0 && width !== chart.width) chart.setSize({ width, height });
  });
  observer.observe(container);
  return () => observer.disconnect();
}
