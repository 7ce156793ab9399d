/** Does something again and again, as long as somebody can see the page; never twice at a time. */
export function repeat(intervalMs: number, work: () => Promise<void>): void {
  const turn = async (): Promise<void> => {
    if (!document.hidden) await work();
    setTimeout(() => void turn(), intervalMs);
  };
  void turn();
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) void work();
  });
}
