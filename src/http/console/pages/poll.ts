/** Does something again and again as long as somebody can see the page, whatever comes of it; never twice at a time. */
export function repeat(intervalMs: number, work: () => Promise<void>): void {
  let isBusy = false;
  let next: ReturnType<typeof setTimeout> | undefined;
  const turn = async (): Promise<void> => {
    if (isBusy || document.hidden) return;
    isBusy = true;
    clearTimeout(next);
    try {
      await work();
    } finally {
      isBusy = false;
      next = setTimeout(() => void turn(), intervalMs);
    }
  };
  document.addEventListener('visibilitychange', () => void turn());
  void turn();
}
