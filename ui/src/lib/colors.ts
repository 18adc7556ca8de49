// The colour that a token has now, for canvases. light-dark() is resolved only on an element, so one is asked.
let probe: HTMLElement | null = null;

export function token_color(name: string): string {
  if (!probe) {
    probe = document.createElement('span');
    probe.hidden = true;
    document.body.append(probe);
  }
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
}
