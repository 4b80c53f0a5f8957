import { BitwrightError, didYouMean } from '@bitwright/core';
import type { Dialect, Importer } from './dialect.js';
import { native } from './native.js';
import { qcdq } from './qcdq.js';
import { qdq } from './qdq.js';
import { qonnx } from './qonnx.js';
import { qoperator } from './qoperator.js';

/** Every dialect that ships. */
export const DIALECTS: readonly Dialect[] = [qdq, qcdq, native, qonnx];

/** Every way to write quantization that can be read. */
export const IMPORTERS: readonly Importer[] = [...DIALECTS, qoperator];

/** The dialect of a name; `auto` is qcdq where an activation has fewer than 8 bits, else qdq. @throws DIALECT_UNKNOWN (wrong usage). */
export function findDialect(name: string, narrowActivations: boolean): Dialect {
  if (name === 'auto') return narrowActivations ? qcdq : qdq;
  const found = DIALECTS.find((dialect) => dialect.name === name);
  if (found !== undefined) return found;
  throw new BitwrightError({
    code: 'DIALECT_UNKNOWN',
    message: `There is no dialect '${name}'.`,
    hint: didYouMean(name, ['auto', ...DIALECTS.map((dialect) => dialect.name)]),
    at: { option: '--dialect' },
    kind: 'usage',
  });
}
