/** The plain patterns that a pattern with alternatives stands for, in the order in which they are written. */
export function expandPattern(pattern: readonly (string | readonly string[])[]): string[][] {
  let expanded: string[][] = [[]];
  for (const place of pattern) {
    const choices = typeof place === 'string' ? [place] : place;
    expanded = expanded.flatMap((head) => choices.map((opType) => [...head, opType]));
  }
  return expanded;
}

/** How messages name a plain pattern: `Conv+Relu`. */
export function patternName(pattern: readonly string[]): string {
  return pattern.join('+');
}
