/** A whole number with separators, such as `1,234,567`. */
export function formatCount(value: number): string {
  return Math.round(value).toLocaleString('en');
}

/** Kilobytes of 1000 bytes. */
export function formatKilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`;
}

/** Thousands per second, such as `142 k/s`. */
export function formatRate(perSecond: number): string {
  return perSecond >= 10_000
    ? `${Math.round(perSecond / 1000)} k/s`
    : `${formatCount(perSecond)}/s`;
}

/** With two decimals, or three where two would hide on which side of `bound` it is. */
export function formatRatio(value: number, bound: number): string {
  const text = value.toFixed(2);
  return Number(text) === bound && value !== bound ? value.toFixed(3) : text;
}
