// Runs before the first paint, so that a remembered theme does not flash.
try {
  const theme = localStorage.getItem('weir.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be closed by the browser's settings: the system's theme is used.
}
