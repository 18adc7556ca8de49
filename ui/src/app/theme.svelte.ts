// Light, dark, or as the system says. Remembered by public/theme.js across loads.
export type ThemeChoice = 'system' | 'light' | 'dark';

const kKey = 'weir.theme';
const system_dark = window.matchMedia('(prefers-color-scheme: dark)');

function remembered(): ThemeChoice {
  const theme = document.documentElement.dataset.theme;
  return theme === 'light' || theme === 'dark' ? theme : 'system';
}

class Theme {
  choice = $state<ThemeChoice>(remembered());
  private system_is_dark = $state(system_dark.matches);

  constructor() {
    system_dark.addEventListener('change', (event) => (this.system_is_dark = event.matches));
  }

  /** Charts draw on a canvas and must be told when the colours change. */
  get is_dark(): boolean {
    return this.choice === 'system' ? this.system_is_dark : this.choice === 'dark';
  }

  choose(choice: ThemeChoice): void {
    this.choice = choice;
    if (choice === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = choice;
    try {
      if (choice === 'system') localStorage.removeItem(kKey);
      else localStorage.setItem(kKey, choice);
    } catch {
      // Storage is closed: the choice holds until the page is left.
    }
  }
}

export const theme = new Theme();
