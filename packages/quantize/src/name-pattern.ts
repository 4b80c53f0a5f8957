import { BitwrightError, describeThrown } from '@bitwright/core';

/** The expression of a glob (`*`, `?`) or /regular expression/; undefined for a plain name. */
export function namePattern(key: string): RegExp | undefined {
  if (key.length > 2 && key.startsWith('/') && key.endsWith('/') && /[\\^$.|?*+()[\]{}]/.test(key)) {
    return parseExpression(key);
  }
  if (!/[*?]/.test(key)) return undefined;
  const escaped = key.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`);
}

function parseExpression(key: string): RegExp {
  try {
    return new RegExp(key.slice(1, -1));
  } catch (thrown) {
    throw new BitwrightError({
      code: 'MAPPING_PATTERN_INVALID',
      message: `The name '${key}' is not a regular expression: ${describeThrown(thrown)}.`,
      hint: 'Correct it, or write a glob with * instead.',
      at: { option: key },
      kind: 'usage',
    });
  }
}
