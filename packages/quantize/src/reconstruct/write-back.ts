import { DenseTensor, type Diagnostic, floatData, type QParams, type Tensor } from '@bitwright/core';
import { constantTensor, type OpNode, type QuantizedTensor, qparamsOf, setQParams } from '@bitwright/graph';
import { convertBias, inputScaleOf, setWeightCodes } from '../convert-layer.js';
import type { PreparedLayer } from '../prepare.js';
import type { Block } from './blocks.js';
import { latentCodes } from './latent-weights.js';
import type { TrainedLayer, TrainingGraph } from './training-graph.js';

/** Writes what a block has learned into the network: codes, scales and biases of its layers, steps of its activations. */
export function writeBack(training: TrainingGraph, diagnostics: Diagnostic[]): void {
  for (const { group, scale, factor } of training.steps) {
    const step = Math.fround(scale * Math.exp(factor.values[0]!));
    for (const node of group.quantizers) setStep(node, step);
  }
  for (const trained of training.layers) writeLayer(trained, diagnostics);
}

function setStep(node: OpNode, step: number): void {
  const { zeroPoint } = qparamsOf(node);
  setQParams(node, { scale: Float32Array.of(step), zeroPoint });
}

function writeLayer(trained: TrainedLayer, diagnostics: Diagnostic[]): void {
  const { layer, weights, scale, bias } = trained;
  const factor = scale?.values;
  const qparams: QParams = {
    ...trained.qparams,
    scale: trained.qparams.scale.map((value, i) => value * Math.exp(factor?.[i] ?? 0)),
  };
  setWeightCodes(layer.weightQuantizer!, latentCodes(weights.values, qparams), qparams);
  if (bias === undefined) return;
  writeBias(layer, new DenseTensor('float', bias.dims, Float32Array.from(bias.values)), qparams, diagnostics);
}

function writeBias(layer: PreparedLayer, values: Tensor, weights: QParams, diagnostics: Diagnostic[]): void {
  setBias(layer, values);
  if (layer.biasQuantizer !== undefined)
    convertBias(layer, layer.biasQuantizer, inputScaleOf(layer.anchor), weights, diagnostics);
}

function setBias(layer: PreparedLayer, values: Tensor): void {
  const reader = layer.biasQuantizer ?? layer.anchor;
  const index = layer.biasQuantizer === undefined ? layer.biasInput! : 0;
  const before = reader.inputs[index]!;
  const { graph } = reader;
  const made = graph.getAttr(before.name, values, reader).output;
  reader.setInput(index, made);
  if (before.uses.size > 0) return;
  const { name } = before;
  graph.eraseNode(before.producer);
  graph.rename(made, name);
}

/** The state of a block before it is trained. @returns what puts it back. */
export function snapshot(block: Block): () => void {
  const steps = block.quantizers.map((node) => ({ node, scale: qparamsOf(node).scale[0]! }));
  const layers = block.layers.map((layer) => {
    const weights = constantTensor(layer.weightQuantizer!.inputs[0]) as QuantizedTensor;
    const reader = layer.biasQuantizer?.inputs[0] ?? layer.anchor.inputs[layer.biasInput ?? -1];
    const bias = constantTensor(reader);
    return { layer, weights, ...(bias && { bias: floatData(bias), dims: bias.dims }) };
  });
  return () => {
    for (const { node, scale } of steps) setStep(node, scale);
    for (const { layer, weights, bias, dims } of layers) {
      setWeightCodes(layer.weightQuantizer!, weights.codes, weights.qparams);
      if (bias !== undefined && dims !== undefined)
        writeBias(layer, new DenseTensor('float', dims, bias), weights.qparams, []);
    }
  };
}
