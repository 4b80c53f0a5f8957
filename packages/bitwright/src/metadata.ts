import type { GraphModule } from '@bitwright/graph';
import { type Bits, formatBits, type PreparedModel, parseBits } from '@bitwright/quantize';
import type { LayerReport } from './layer-report.js';
import type { ResolvedOptions } from './quantize-options.js';
import { VERSION } from './version.js';

/** What is written into a quantized model about how it was made. */
export interface Provenance {
  readonly resolved: ResolvedOptions;
  readonly dialect: string;
  readonly layers: readonly LayerReport[];
  readonly samples: number;
  /** What the layers really got, where the backend narrows what was asked. */
  readonly prepared: Pick<PreparedModel, 'layers'>;
}

/** Writes the `bitwright.*` keys into the model's metadata: true widths, which a carrier hides, and grids. */
export function writeMetadata(module: GraphModule, provenance: Provenance): void {
  const { resolved, dialect, layers, samples, prepared } = provenance;
  const props = module.metadataProps;
  props.set('bitwright.version', VERSION);
  props.set('bitwright.bits', formatBits(resolved.bits));
  props.set('bitwright.scheme', resolved.scheme);
  props.set('bitwright.method', resolved.method);
  props.set('bitwright.backend', resolved.backend.name);
  props.set('bitwright.dialect', dialect);
  props.set('bitwright.observer', resolved.observer.name);
  props.set('bitwright.samples', String(samples));
  const { named } = resolved.corrections;
  if (named.size > 0) props.set('bitwright.corrections', [...named].join(' '));
  const configs = prepared.layers
    .filter((layer) => layer.weightInput !== undefined)
    .map(({ config }) => config);
  const all = configs.length === 0 ? [resolved.qconfig] : configs;
  props.set('bitwright.bias', wordsOf(all.map(({ bias }) => bias)));
  const granularity = wordsOf(all.map(({ perChannel }) => (perChannel ? 'per channel' : 'per tensor')));
  const form = wordsOf(all.map(({ symmetricWeights }) => (symmetricWeights ? 'symmetric' : 'affine')));
  props.set('bitwright.weights', `${form} ${granularity}`);
  props.set('bitwright.layers', JSON.stringify(layers));
}

/** The words that layers have in common, or all of them. */
function wordsOf(words: readonly string[]): string {
  return [...new Set(words)].join(' or ');
}

/** The widths that a model's own metadata says; undefined where it says none that can be read. */
export function bitsOf(module: GraphModule): Bits | undefined {
  const said = module.metadataProps.get('bitwright.bits') ?? '';
  return /^W(\d+)A(\d+)$/.test(said) ? parseBits(said) : undefined;
}

/** The bits of the accumulator that a model's weights were rounded for, as its own metadata says; undefined where there was none. */
export function accumulatorOf(module: GraphModule): number | undefined {
  const bits = /^\{"bits":(\d+)/.exec(module.metadataProps.get('bitwright.accumulators') ?? '')?.[1];
  return bits === undefined ? undefined : Number(bits);
}

/** The convention that stands beside an accuracy figure of a model: its own metadata, or what the graph shows. */
export function conventionOf(module: GraphModule): string {
  const get = (key: string): string | undefined => module.metadataProps.get(`bitwright.${key}`);
  const bits = get('bits');
  if (bits !== undefined) {
    const keys = ['scheme', 'method', 'observer', 'corrections', 'weights', 'bias', 'dialect'];
    const said = keys.flatMap((key) => {
      const value = get(key);
      return value === undefined ? [] : [`${key} ${value}`];
    });
    const accumulator = accumulatorOf(module);
    if (accumulator !== undefined) said.push(`accumulator ${accumulator} bits`);
    const samples = get('samples');
    const origin = samples === undefined ? 'calibrated by another tool' : `${samples} calibration samples`;
    return [bits, ...said, origin].join(', ');
  }
  const quantized = [...module.graph.allOps()].some((node) =>
    /^(QuantizeLinear|DequantizeLinear|QLinear|Quant$)/.test(node.opType),
  );
  return quantized ? 'quantized by another tool (no bitwright metadata)' : 'float';
}
