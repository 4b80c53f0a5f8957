import { BitwrightError } from './errors.js';
import { didYouMean } from './nearest.js';

/** What is said of a name that nothing has. */
export interface UnknownName {
  readonly code: string;
  readonly message: string;
  /** The option that gave the name. */
  readonly option: string;
}

/** The one of that name. @throws an error of wrong usage, with the nearest name that there is. */
export function findNamed<T extends { readonly name: string }>(
  name: string,
  known: readonly T[],
  { code, message, option }: UnknownName,
): T {
  const found = known.find((one) => one.name === name);
  if (found !== undefined) return found;
  const names = known.map((one) => one.name);
  throw new BitwrightError({ code, message, hint: didYouMean(name, names), at: { option }, kind: 'usage' });
}
