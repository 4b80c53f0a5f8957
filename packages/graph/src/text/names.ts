import { isDtype } from '@bitwright/core';

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Words that stand for a type other than a tensor's element type; this subset of the syntax knows `opaque()` only. */
export const TYPE_WORDS: ReadonlySet<string> = new Set([
  'undefined',
  'seq',
  'map',
  'optional',
  'sparse_tensor',
  'opaque',
]);

/** True for a word that reads as a float: `inf`, `infinity`, `nan`, in any case, with or without a minus. */
export function isFloatWord(word: string): boolean {
  return /^-?(inf|infinity|nan)$/i.test(word);
}

/** A string in double quotes; backslash and quote are escaped with a backslash, everything else stands for itself. */
export function quoteString(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}

/** A name as the text form writes it: bare when it is an identifier that reads as nothing else, quoted otherwise. */
export function quoteName(name: string): string {
  const bare = IDENTIFIER.test(name) && !isDtype(name) && !TYPE_WORDS.has(name) && !isFloatWord(name);
  return bare ? name : quoteString(name);
}
