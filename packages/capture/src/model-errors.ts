import { BitwrightError, type ErrorPlace } from '@bitwright/core';

/**
 * Throws the coded error of a model that cannot be captured.
 *
 * @param at the file, graph, node or value that the message is about; undefined entries are left out.
 */
export function failModel(
  code: `MODEL_${string}`,
  message: string,
  hint: string,
  at: { readonly [Key in keyof ErrorPlace]: ErrorPlace[Key] | undefined } = {},
): never {
  const place = Object.fromEntries(
    Object.entries(at).filter(([, text]) => text !== undefined && text !== ''),
  );
  throw new BitwrightError({ code, message, hint, at: place });
}
