import type { BackendConfig } from '@bitwright/backends';
import { BitwrightError } from '@bitwright/core';
import { type Dialect, findDialect } from '@bitwright/dialects';
import type { QConfigResolver } from '@bitwright/quantize';
import type { ResolvedOptions } from './quantize-options.js';

/**
 * The dialect that was asked for, or the one that suits the widths and the backend.
 *
 * @throws DIALECT_NOT_OF_BACKEND (wrong usage) when the backend does not read the asked one.
 */
export function chooseDialect(resolved: ResolvedOptions, resolver: QConfigResolver): Dialect {
  const isNarrow = resolver.allBits().some((bits) => bits.activations < 8);
  const wanted = findDialect(resolved.dialect, isNarrow);
  const { name, dialects } = resolved.backend;
  if (dialects === undefined || dialects.some((allowed) => allowed === wanted.name)) return wanted;
  if (resolved.dialect === 'auto') return findDialect(dialects[0]!, isNarrow);
  throw new BitwrightError({
    code: 'DIALECT_NOT_OF_BACKEND',
    message: `The backend '${name}' does not read the dialect '${wanted.name}'.`,
    hint: `Take ${dialects.join(' or ')}, or leave --dialect out.`,
    at: { option: '--dialect' },
    kind: 'usage',
  });
}

/** The opset that the dialect needs for every width that was asked for. */
export function neededOpset(dialect: Dialect, resolved: ResolvedOptions, resolver: QConfigResolver): number {
  const grid = { signed: true, quantMin: 0, quantMax: 0 };
  const { backend } = resolved;
  const { firstLastBits } = backend;
  const ends = firstLastBits === undefined ? [] : [{ weights: firstLastBits, activations: firstLastBits }];
  const carriers = wideCarriers(backend) ? 21 : 13;
  let opset = carriers;
  for (const { weights, activations } of [...resolver.allBits(), ...ends]) {
    opset = Math.max(
      opset,
      dialect.opsetFor({ ...grid, role: 'weight', bits: weights }),
      dialect.opsetFor({ ...grid, role: 'activation', bits: activations }),
    );
  }
  const biasBits = { int32: 32, int16: 16, int8: 8, float: 32 };
  const forms = new Set([resolved.qconfig.bias, ...narrowedForms(backend)]);
  for (const form of forms)
    opset = Math.max(opset, dialect.opsetFor({ ...grid, role: 'bias', bits: biasBits[form] }));
  return opset;
}

/** True where codes of 8 bits or less may be stored in 16: QuantizeLinear knows that from opset 21 on. */
function wideCarriers({ entries }: BackendConfig): boolean {
  return entries.some(({ dtypes }) =>
    dtypes.some(({ input, output, weight }) =>
      [input, output, weight].some(
        (operand) => operand?.carrier?.endsWith('16') === true && operand.bits.some((bits) => bits < 16),
      ),
    ),
  );
}

/** The forms of bias that the table puts in place of one that it does not take. */
function narrowedForms({ entries }: BackendConfig) {
  return entries.flatMap(({ dtypes }) => dtypes.flatMap(({ bias = [] }) => bias.slice(0, 1)));
}
