/**
 * The candidate that a misspelt word most likely stands for.
 *
 * Letter case, `-` and `_` do not count; otherwise one edit is forgiven per four letters, at least one.
 *
 * @returns undefined when nothing is near.
 */
export function nearestMatch(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = simplify(word);
  const forgiven = Math.max(1, Math.floor(wanted.length / 4));
  let best: string | undefined;
  let bestDistance = forgiven + 1;
  for (const candidate of candidates) {
    const simple = simplify(candidate);
    if (Math.abs(simple.length - wanted.length) >= bestDistance) continue;
    const distance = editDistance(wanted, simple);
    if (distance < bestDistance && distance < simple.length) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function simplify(word: string): string {
  return word.toLowerCase().replace(/[-_]/g, '');
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function editDistance(left: string, right: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const isSame = left[row - 1] === right[column - 1];
      const isSwap = left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      current[column] = Math.min(
        (previous[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (previous[column - 1] ?? 0) + (isSame ? 0 : 1),
        isSwap ? (beforePrevious[column - 2] ?? 0) + 1 : Infinity,
      );
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[right.length] ?? 0;
}
