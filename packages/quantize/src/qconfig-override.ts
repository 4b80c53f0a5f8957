import { BIAS_FORMS, type BiasForm } from '@bitwright/backends';
import { BitwrightError, didYouMean } from '@bitwright/core';
import { type Bits, parseBits, type QConfig } from './qconfig.js';

/** What an override says of its layers: `W4A8`, `8`, `float`, or the words of the configuration file. */
export type QConfigOverride =
  | string
  | {
      readonly bits?: string;
      readonly weights?: 'symmetric' | 'affine';
      readonly granularity?: 'per-channel' | 'per-tensor';
      readonly bias?: BiasForm;
      readonly powerOfTwo?: boolean;
      readonly reduceRange?: boolean;
    };

/** An override as the resolver keeps it: the choices that differ from the global ones. */
export type ParsedOverride = Partial<QConfig> | 'float';

const KEYS = ['bits', 'weights', 'granularity', 'bias', 'powerOfTwo', 'reduceRange'];

/** Reads an override. @throws BITS_INVALID, MAPPING_VALUE (wrong usage) naming the key that it stands under. */
export function parseOverride(override: QConfigOverride, key: string): ParsedOverride {
  if (override === 'float') return 'float';
  if (typeof override === 'string') return parseBits(override, `mapping ${key}`);
  const unknown = Object.keys(override).find((word) => !KEYS.includes(word));
  if (unknown !== undefined) throw wrong(key, `has no '${unknown}'`, didYouMean(unknown, KEYS));
  const { bits, weights, granularity, bias, powerOfTwo, reduceRange } = override;
  const widths: Partial<Bits> = bits === undefined ? {} : parseBits(bits, `mapping ${key}`);
  if (bias !== undefined && !BIAS_FORMS.includes(bias))
    throw wrong(key, `can't have the bias '${bias}'`, didYouMean(bias, BIAS_FORMS));
  return {
    ...widths,
    ...(weights !== undefined && { symmetricWeights: word(key, weights, 'symmetric', 'affine') }),
    ...(granularity !== undefined && { perChannel: word(key, granularity, 'per-channel', 'per-tensor') }),
    ...(bias !== undefined && { bias }),
    ...(powerOfTwo !== undefined && { powerOfTwo }),
    ...(reduceRange !== undefined && { reduceRange }),
  };
}

/** True for the first of two words, false for the second. */
function word(key: string, value: string, yes: string, no: string): boolean {
  if (value === yes) return true;
  if (value === no) return false;
  throw wrong(key, `can't be '${value}'`, didYouMean(value, [yes, no]));
}

function wrong(key: string, why: string, hint: string): BitwrightError {
  return new BitwrightError({
    code: 'MAPPING_VALUE',
    message: `The override '${key}' ${why}.`,
    hint,
    at: { option: key },
    kind: 'usage',
  });
}
