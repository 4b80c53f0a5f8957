import { BitwrightError } from '@bitwright/core';
import type { QuantSpec } from '@bitwright/graph';

/** The error for a width that a dialect can't say; names the one that can. */
export function widthError(dialect: string, spec: QuantSpec, remedy: string): BitwrightError {
  return new BitwrightError({
    code: 'DIALECT_WIDTH',
    message: `The dialect '${dialect}' has no ${spec.bits}-bit ${spec.role}s.`,
    hint: remedy,
    at: { option: '--dialect' },
    kind: 'usage',
  });
}

/** The opset that carries a spec in 8- or 16-bit integers: 16-bit Q/DQ came with opset 21. */
export function carrierOpset(spec: QuantSpec): number {
  return spec.bits === 16 || spec.carrier?.endsWith('16') === true ? 21 : 13;
}
