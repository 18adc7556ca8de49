// Addresses of the pages. A link is an ordinary <a href>; the router takes plain clicks on links of ours, so that a new
// tab, a bookmark and the back button work as everywhere.
class Router {
  path = $state(window.location.pathname);
  hash = $state(window.location.hash);
  search = $state(window.location.search);

  constructor() {
    window.addEventListener('popstate', () => this.read());
    window.addEventListener('hashchange', () => this.read());
  }

  private read(): void {
    this.path = window.location.pathname;
    this.hash = window.location.hash;
    this.search = window.location.search;
  }

  go(address: string, how: 'push' | 'replace' = 'push'): void {
    const target = new URL(address, window.location.href);
    const same = target.pathname === this.path;
    if (how === 'push') window.history.pushState(null, '', target);
    else window.history.replaceState(null, '', target);
    this.read();
    if (!same && how === 'push') window.scrollTo(0, 0);
  }

  on_click = (event: MouseEvent): void => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element | null)?.closest('a');
    if (!link || link.target || link.hasAttribute('download') || link.origin !== window.location.origin) return;
    const own_hash = link.pathname === window.location.pathname && link.hash !== '';
    if (own_hash || link.pathname.startsWith('/v1/')) return;
    event.preventDefault();
    this.go(link.href);
  };
}

export const router = new Router();
