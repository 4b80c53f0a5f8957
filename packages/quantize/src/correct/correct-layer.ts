import { DenseTensor, floatData } from '@bitwright/core';
import { constantTensor, nodeName } from '@bitwright/graph';
import type { PreparedLayer } from '../prepare.js';
import type { Rounded, RoundingStatistics } from '../rounding/rounding-algorithm.js';
import type { CorrectionOutcome, LayerCorrection, LayerEvidence, RoundedLayer } from './correction.js';
import type { ExpectedInputs } from './expected-inputs.js';

/** The corrections of a network's layers. */
export interface LayerCorrections {
  readonly corrections: readonly LayerCorrection[];
  readonly expected: ExpectedInputs;
  /** Where it is noted what became of each. */
  readonly outcomes: CorrectionOutcome[];
}

/** A layer after its corrections. */
export interface CorrectedLayer {
  readonly rounded: Rounded;
  /** What its bias has to take up, one number for each output channel; undefined for nothing. */
  readonly shift: Float64Array | undefined;
}

/** Makes the corrections of a rounded layer, scales before biases, and notes what became of each. */
export function correctLayer(
  prepared: PreparedLayer,
  layer: RoundedLayer,
  statistics: RoundingStatistics | undefined,
  { corrections, expected, outcomes }: LayerCorrections,
): CorrectedLayer {
  const evidence: LayerEvidence = {
    statistics,
    expected: expected.get(prepared.anchor) ?? 'no batch normalization states the mean of its input',
  };
  let { rounded } = layer;
  let shift: Float64Array | undefined;
  const order = [...corrections].sort((a, b) => Number(a.changes === 'bias') - Number(b.changes === 'bias'));
  for (const correction of order) {
    const refused = correction.changes === 'bias' ? noBias(prepared) : fixedScales(layer);
    const found = refused ?? correction.correct({ ...layer, rounded }, evidence);
    const isDone = typeof found !== 'string';
    outcomes.push({
      correction: correction.name,
      node: nodeName(prepared.anchor),
      applied: isDone,
      detail: isDone ? described(correction, found) : found,
    });
    if (!isDone) continue;
    if (correction.changes === 'bias')
      shift = shift === undefined ? found : shift.map((value, i) => value + found[i]!);
    else rounded = { ...rounded, scale: scaled(layer, rounded.scale, found) };
  }
  return { rounded, shift };
}

/** Adds to a layer's bias, which must have one. */
export function addToBias(layer: PreparedLayer, shift: Float64Array): void {
  const reader = layer.biasQuantizer ?? layer.anchor;
  const index = layer.biasQuantizer === undefined ? layer.biasInput! : 0;
  const before = reader.inputs[index]!;
  const tensor = constantTensor(before)!;
  const values = Float32Array.from(floatData(tensor), (value, i) => value + shift[i]!);
  const { graph } = reader;
  const made = graph.getAttr(before.name, new DenseTensor('float', tensor.dims, values), reader).output;
  reader.setInput(index, made);
  if (before.uses.size > 0) return;
  const { name } = before;
  graph.eraseNode(before.producer);
  graph.rename(made, name);
}

function noBias({ biasInput }: PreparedLayer): string | undefined {
  return biasInput === undefined ? 'the layer has no bias' : undefined;
}

function fixedScales({ layer: { groups, rows }, spec }: RoundedLayer): string | undefined {
  if (spec.fixedScale)
    return 'its weight scales must stay where they are: powers of two, or held by the backend';
  if (spec.blockSize !== undefined || spec.scale.length !== groups * rows)
    return 'its output channels have no weight scales of their own';
  return undefined;
}

function scaled({ spec }: RoundedLayer, scale: Float64Array, factors: Float64Array): Float64Array {
  return scale.map((value, row) => Math.max(value * factors[row]!, spec.leastScale?.[row] ?? 0));
}

function described({ changes }: LayerCorrection, found: Float64Array): string {
  const [least, most] = [Math.min(...found), Math.max(...found)];
  const range = `${least.toPrecision(3)} to ${most.toPrecision(3)}`;
  return changes === 'bias' ? `biases moved by ${range}` : `weight scales times ${range}`;
}
