// One tick a second for everything that says "3 s ago".
class Clock {
  now = $state(Date.now());

  start(): () => void {
    const timer = window.setInterval(() => {
      if (!document.hidden) this.now = Date.now();
    }, 1000);
    return () => window.clearInterval(timer);
  }
}

export const clock = new Clock();
