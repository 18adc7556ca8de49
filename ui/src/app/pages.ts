// Every page of the product: one line here gives it an address, a place in the navigation and its code, loaded when first opened.
// `path` may hold :names, handed to the page as properties; `nav` leaves the page out of the navigation when absent.
import type { Component } from 'svelte';
import Overview from '../pages/Overview.svelte';
import Stream from '../pages/Stream.svelte';
import Streams from '../pages/Streams.svelte';
import type { IconName } from '../components/icons';

/** The parts of the navigation, in their order; the first has no heading. */
export const groups = ['', 'Data', 'Work', 'Watch', 'Serve'] as const;
export type Group = (typeof groups)[number];

export interface Page {
  path: string;
  title: string;
  nav?: { label: string; icon: IconName; group: Group };
  /** Only administrators find it in the navigation. */
  admin?: boolean;
  load: () => Promise<{ default: Component<any> }>;
}

const ready = (component: Component<any>) => () => Promise.resolve({ default: component });

const stream = ready(Stream);

const run = () => import('../pages/Run.svelte');
const table = () => import('../pages/Table.svelte');
const lake = () => import('../pages/Lake.svelte');

export const pages: Page[] = [
  { path: '/', title: 'Overview', nav: { label: 'Overview', icon: 'overview', group: '' }, load: ready(Overview) },
  { path: '/streams', title: 'Streams', nav: { label: 'Streams', icon: 'streams', group: 'Data' }, load: ready(Streams) },
  { path: '/streams/:name', title: 'Stream', load: stream },
  { path: '/streams/:name/:tab', title: 'Stream', load: stream },
  { path: '/tables', title: 'Tables', nav: { label: 'Tables', icon: 'table', group: 'Data' }, load: () => import('../pages/Tables.svelte') },
  { path: '/tables/:name', title: 'Table', load: table },
  { path: '/tables/:name/:tab', title: 'Table', load: table },
  { path: '/lake', title: 'Lake', nav: { label: 'Lake', icon: 'lake', group: 'Data' }, load: lake },
  { path: '/lake/:name', title: 'Lake', load: lake },
  { path: '/sql', title: 'SQL', nav: { label: 'SQL', icon: 'sql', group: 'Data' }, load: () => import('../pages/Sql.svelte') },
  { path: '/load', title: 'Load data', nav: { label: 'Load data', icon: 'upload', group: 'Data' }, load: () => import('../pages/Load.svelte') },
  { path: '/flows', title: 'Flows', nav: { label: 'Flows', icon: 'flow', group: 'Work' }, load: () => import('../pages/Flows.svelte') },
  { path: '/runs', title: 'Runs', nav: { label: 'Runs', icon: 'history', group: 'Work' }, load: () => import('../pages/Runs.svelte') },
  { path: '/runs/:id', title: 'Run', load: run },
  { path: '/live', title: 'Live windows', nav: { label: 'Live windows', icon: 'play', group: 'Watch' }, load: () => import('../pages/Live.svelte') },
  { path: '/live/:name', title: 'Live', load: () => import('../pages/LiveOne.svelte') },
  { path: '/dashboards', title: 'Dashboards', nav: { label: 'Dashboards', icon: 'chart', group: 'Watch' }, load: () => import('../pages/Dashboards.svelte') },
  { path: '/dashboards/:name', title: 'Dashboard', load: () => import('../pages/Dashboard.svelte') },
  { path: '/alarms', title: 'Alarms', nav: { label: 'Alarms', icon: 'warning', group: 'Watch' }, load: () => import('../pages/Alarms.svelte') },
  { path: '/alarms/:name', title: 'Alarm', load: () => import('../pages/Alarm.svelte') },
  { path: '/reviews', title: 'Reviews', nav: { label: 'Reviews', icon: 'check', group: 'Watch' }, load: () => import('../pages/Reviews.svelte') },
  { path: '/reviews/:name', title: 'Review', load: () => import('../pages/Review.svelte') },
  { path: '/endpoints', title: 'Endpoints', nav: { label: 'Endpoints', icon: 'link', group: 'Serve' }, load: () => import('../pages/Endpoints.svelte') },
  { path: '/endpoints/:name', title: 'Endpoint', load: () => import('../pages/Endpoint.svelte') },
  { path: '/audit', title: 'Audit', nav: { label: 'Audit', icon: 'search', group: 'Serve' }, admin: true, load: () => import('../pages/Audit.svelte') },
  { path: '/users', title: 'Users', nav: { label: 'Users', icon: 'lock', group: 'Serve' }, admin: true, load: () => import('../pages/Users.svelte') },
];

export interface Match {
  page: Page;
  parameters: Record<string, string>;
}

export function match_page(path: string): Match | null {
  const parts = path.split('/').filter((part) => part !== '');
  for (const page of pages) {
    const parameters = match_parts(page.path.split('/').filter((part) => part !== ''), parts);
    if (parameters) return { page, parameters };
  }
  return null;
}

function match_parts(pattern: string[], parts: string[]): Record<string, string> | null {
  if (pattern.length !== parts.length) return null;
  const parameters: Record<string, string> = {};
  for (const [i, expected] of pattern.entries()) {
    const part = parts[i] ?? '';
    if (!expected.startsWith(':')) {
      if (expected !== part) return null;
      continue;
    }
    try {
      parameters[expected.slice(1)] = decodeURIComponent(part);
    } catch {
      return null; // %zz: no page has such an address
    }
  }
  return parameters;
}
