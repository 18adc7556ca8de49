// Every page of the product: one line here gives it an address, a place in the navigation and its code, loaded when first opened.
// `path` may hold :names, handed to the page as properties; `nav` leaves the page out of the navigation when absent.
import type { Component } from 'svelte';
import Overview from '../pages/Overview.svelte';
import Stream from '../pages/Stream.svelte';
import Streams from '../pages/Streams.svelte';
import type { IconName } from '../components/icons';

export interface Page {
  path: string;
  title: string;
  nav?: { label: string; icon: IconName };
  load: () => Promise<{ default: Component<any> }>;
}

const ready = (component: Component<any>) => () => Promise.resolve({ default: component });

const stream = ready(Stream);

export const pages: Page[] = [
  { path: '/', title: 'Overview', nav: { label: 'Overview', icon: 'overview' }, load: ready(Overview) },
  { path: '/streams', title: 'Streams', nav: { label: 'Streams', icon: 'streams' }, load: ready(Streams) },
  { path: '/streams/:name', title: 'Stream', load: stream },
  { path: '/streams/:name/:tab', title: 'Stream', load: stream },
  { path: '/sql', title: 'SQL', nav: { label: 'SQL', icon: 'sql' }, load: () => import('../pages/Sql.svelte') },
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
