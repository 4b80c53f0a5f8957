import { upgradeOpset } from '@bitwright/capture';
import { BitwrightError, type Diagnostic } from '@bitwright/core';
import { centreZeroPoints, type Dialect, detectDialect, findDialect } from '@bitwright/dialects';
import { type GraphModule, isQuantizer, lint, type QuantSpec, quantSpecOf } from '@bitwright/graph';
import { type Bits, formatBits, parseBits, toFloatModel } from '@bitwright/quantize';
import { type LayerReport, reportQuantizedGraph } from './layer-report.js';
import type { QuantizeOptions } from './quantize-options.js';
import { VERSION } from './version.js';

/** A quantized file, read into the quantized graph. */
export interface LiftedModel {
  readonly module: GraphModule;
  /** How the file writes quantization. */
  readonly dialect: string;
  /** What stays as it is in the file, and why. */
  readonly diagnostics: readonly Diagnostic[];
}

/** A model that was written in another dialect, its codes as they were. */
export interface Rewritten {
  readonly dialect: string;
  readonly bits: Bits;
  readonly layers: readonly LayerReport[];
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads a quantized model, in place; undefined for a float one.
 *
 * @throws REQUANTIZE_NOTHING when nothing of it can be read.
 */
export function liftModel(module: GraphModule, name: string): LiftedModel | undefined {
  const importer = detectDialect(module);
  if (importer === undefined) return undefined;
  const diagnostics = importer.lift(module);
  lint(module, `lifting from ${importer.name}`);
  if ([...module.graph.ops()].some(isQuantizer)) return { module, dialect: importer.name, diagnostics };
  throw new BitwrightError({
    code: 'REQUANTIZE_NOTHING',
    message: `Nothing of '${name}' can be requantized. ${diagnostics[0]?.message ?? ''}`.trim(),
    hint: 'Start from the float model.',
    at: { file: name },
  });
}

/** The float model that a quantized one stands for, in place. Its metadata no longer holds. */
export function asFloatModel({ module }: LiftedModel): void {
  toFloatModel(module);
  lint(module, 'taking the quantizers out');
  for (const key of [...module.metadataProps.keys()])
    if (key.startsWith('bitwright.')) module.metadataProps.delete(key);
}

/** Choices that decide codes: with one of them given, a model is calibrated and rounded anew. */
const DECIDING = [
  ...['backend', 'bias', 'granularity', 'weights', 'observer', 'weightObserver', 'rounding'],
  ...['powerOfTwo', 'reduceRange', 'accumulatorBits', 'mapping', 'ranges', 'budget'],
] as const satisfies readonly (keyof QuantizeOptions)[];

/** True where the options ask for no other codes than those that a model has: its widths, if any, and perhaps another dialect. */
export function keepsCodes({ module }: LiftedModel, options: QuantizeOptions): boolean {
  const chosen: Partial<Record<string, unknown>> = { ...options };
  if (DECIDING.some((name) => chosen[name] !== undefined) || (options.keepFloat?.length ?? 0) > 0)
    return false;
  for (const key of ['scheme', 'method'] as const)
    if (options[key] !== undefined && options[key] !== module.metadataProps.get(`bitwright.${key}`))
      return false;
  if (options.bits === undefined) return true;
  const bits = parseBits(options.bits);
  if (module.metadataProps.get('bitwright.bits') === formatBits(bits)) return true;
  return specsOf(module).every(
    ({ role, ...spec }) =>
      role === 'bias' || spec.bits === (role === 'weight' ? bits.weights : bits.activations),
  );
}

/**
 * Writes a lifted model in a dialect, in place, with every code, scale and zero point as it is.
 *
 * @throws DIALECT_UNKNOWN, DIALECT_WIDTH, DIALECT_ZERO_POINT when the dialect can't say the model.
 */
export function rewriteInDialect(lifted: LiftedModel, options: QuantizeOptions): Rewritten {
  const { module } = lifted;
  const specs = specsOf(module);
  const dialect: Dialect = findDialect(
    options.dialect ?? 'auto',
    specs.some(({ role, bits }) => role === 'activation' && bits < 8),
  );
  const opset = Math.max(13, ...specs.map((spec) => dialect.opsetFor(spec)));
  if (dialect.zeroPointIsZero === true) centreZeroPoints(module, dialect.name);
  const layers = reportQuantizedGraph(module);
  const upgrade = module.opset < opset ? upgradeOpset(module, opset).diagnostics : [];
  const lowering = dialect.lower(module, { allowPairSaturation: options.allowPairSaturation ?? false });
  lint(module, `lowering to ${dialect.name}`);
  const bits = widthsOf(specs);
  noteRewriting(module, dialect.name, bits, layers);
  const diagnostics = [...lifted.diagnostics, ...upgrade, ...lowering];
  return { dialect: dialect.name, bits, layers, diagnostics };
}

/** What holds of the file still holds; the notation is new, and a file of another tool learns its widths. */
function noteRewriting(
  { metadataProps }: GraphModule,
  dialect: string,
  bits: Bits,
  layers: readonly LayerReport[],
): void {
  metadataProps.set('bitwright.version', VERSION);
  metadataProps.set('bitwright.dialect', dialect);
  if (metadataProps.has('bitwright.layers')) return;
  metadataProps.set('bitwright.bits', formatBits(bits));
  metadataProps.set('bitwright.layers', JSON.stringify(layers));
}

function specsOf(module: GraphModule): QuantSpec[] {
  return [...module.graph.ops()].filter(isQuantizer).map(quantSpecOf);
}

/** The widths that most quantizers have. */
function widthsOf(specs: readonly QuantSpec[]): Bits {
  const most = (wanted: QuantSpec['role']): number => {
    const counts = new Map<number, number>();
    for (const { role, bits } of specs) if (role === wanted) counts.set(bits, (counts.get(bits) ?? 0) + 1);
    return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? 8;
  };
  return { weights: most('weight'), activations: most('activation') };
}
