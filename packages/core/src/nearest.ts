import { closest, distance } from 'fastest-levenshtein';

/**
 * The known word that a mistyped one most likely meant.
 *
 * @returns the nearest candidate by edit distance, or undefined when none shares at least half of its letters.
 */
export function nearestName(word: string, candidates: Iterable<string>): string | undefined {
  const known = [...candidates];
  if (known.length === 0) return undefined;
  const best = closest(word, known);
  return distance(word, best) <= Math.max(2, Math.floor(word.length / 2)) ? best : undefined;
}

/** A hint sentence for an unknown word: the nearest known one, or all of them when there are few. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const known = [...candidates];
  const best = nearestName(word, known);
  if (best !== undefined) return `Did you mean '${best}'?`;
  return known.length <= 12 ? `Known: ${known.join(', ')}.` : `${known.length} names are known.`;
}
