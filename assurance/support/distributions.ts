/**
 * How likely two samples differ as much as these when they come from one distribution, by the test of Kolmogorov and
 * Smirnov; for samples of some hundred values and more.
 */
export function kolmogorovSmirnov(first: readonly number[], second: readonly number[]): number {
  const n = (first.length * second.length) / (first.length + second.length);
  return survival(Math.sqrt(n) * largestDistance(first, second));
}

function largestDistance(first: readonly number[], second: readonly number[]): number {
  const [a, b] = [first, second].map((values) => values.toSorted((x, y) => x - y)) as [
    number[],
    number[],
  ];
  let distance = 0;
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const value = Math.min(a[i]!, b[j]!);
    while (a[i] === value) i++;
    while (b[j] === value) j++;
    distance = Math.max(distance, Math.abs(i / a.length - j / b.length));
  }
  return distance;
}

/** The series of Kolmogorov's distribution, which ends soon. */
function survival(x: number): number {
  if (x < 0.2) return 1;
  let sum = 0;
  for (let k = 1; k <= 100; k++) sum += (k % 2 === 1 ? 2 : -2) * Math.exp(-2 * k * k * x * x);
  return Math.max(0, Math.min(1, sum));
}
