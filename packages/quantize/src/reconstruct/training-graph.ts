import type { QParams } from '@bitwright/core';
import {
  cloneGraph,
  constantTensor,
  type Graph,
  GraphModule,
  isDeQuantStub,
  isQuantizer,
  type OpNode,
  type QuantizedTensor,
  qparamsOf,
  quantSpecOf,
  type Value,
} from '@bitwright/graph';
import { keepsScale } from '../activation-range.js';
import type { ObserverGroup, PreparedLayer, PreparedModel } from '../prepare.js';
import { hasFixedScale } from '../sequential/rounded-weights.js';
import type { Block } from './blocks.js';
import { GraphWriter } from './graph-writer.js';
import { type FloatModel, latentWeights } from './latent-weights.js';

/** What a parameter is: weights in units of their step, a channel's weight scale, a bias, the step of an activation. */
export type ParameterKind = 'weight' | 'weight-scale' | 'bias' | 'step';

/** A tensor that is learned; it enters the training graph as an input of this name. */
export interface Parameter {
  readonly name: string;
  readonly kind: ParameterKind;
  readonly dims: readonly number[];
  readonly values: Float32Array;
}

/** A layer's parameters, and the grid that its weights had. Scales are learned as the logarithm of a factor. */
export interface TrainedLayer {
  readonly layer: PreparedLayer;
  readonly qparams: QParams;
  readonly weights: Parameter;
  readonly scale: Parameter | undefined;
  readonly bias: Parameter | undefined;
}

/** The step size of an activation's grid, as the logarithm of a factor to the calibrated scale. */
export interface TrainedStep {
  readonly group: ObserverGroup;
  readonly scale: number;
  readonly factor: Parameter;
}

/** A block as a differentiable graph with its parameters as inputs. */
export interface TrainingGraph {
  readonly module: GraphModule;
  readonly input: Value;
  readonly output: Value;
  readonly layers: readonly TrainedLayer[];
  readonly steps: readonly TrainedStep[];
  readonly parameters: readonly Parameter[];
}

/**
 * Rewrites a block so that gradients flow through it: all rounding is passed straight through (Bengio et al. 2013), and the
 * steps of weights and activations are learned (LSQ, Esser et al., ICLR 2020).
 *
 *   weight      s exp(w) (clip(round(u), lo, hi) - z), u in units of the step; at first it rounds to the codes that it has
 *   activation  t (clip(round(x / t), lo - z, hi - z)), t = s exp(f)
 *
 * Because the forward pass rounds as the file will, what is learned is what is got: soft rounding (AdaRound) leaves the codes
 * that it starts from, and needs several times as many steps to come back to codes as good at 2 bits.
 *
 * @param sizes the block's input with a fixed batch.
 */
export function buildTrainingGraph(
  prepared: PreparedModel,
  float: FloatModel,
  block: Block,
  sizes: readonly number[],
): TrainingGraph {
  const builder = new TrainingGraphBuilder(prepared, float, block, sizes);
  return builder.build();
}

class TrainingGraphBuilder {
  readonly #values = new Map<Value, Value>();
  readonly #module: GraphModule;
  readonly #graph: Graph;
  readonly #parameters: Parameter[] = [];

  constructor(
    private readonly prepared: PreparedModel,
    private readonly float: FloatModel,
    private readonly block: Block,
    sizes: readonly number[],
  ) {
    const { module } = prepared;
    this.#graph = cloneGraph(module.graph, this.#values);
    this.#module = new GraphModule(this.#graph);
    this.#module.irVersion = module.irVersion;
    for (const [domain, version] of module.opsets)
      if (domain !== 'ai.bitwright') this.#module.opsets.set(domain, version);
    this.#cut(sizes);
  }

  build(): TrainingGraph {
    const layers = this.block.layers.map((layer) => this.#trainLayer(layer));
    const steps = this.#trainSteps();
    for (const node of [...this.#graph.ops()]) {
      if (isDeQuantStub(node)) this.#replace(node, node.inputs[0]!);
      else if (isQuantizer(node)) this.#freeze(node);
    }
    this.#graph.eliminateDeadCode();
    return {
      module: this.#module,
      input: this.#inside(this.block.input),
      output: this.#graph.outputs[0]!,
      layers,
      steps,
      parameters: this.#parameters,
    };
  }

  #inside(value: Value): Value {
    return this.#values.get(value)!;
  }

  #cut(sizes: readonly number[]): void {
    const inside = this.#inside(this.block.input);
    const type = { kind: 'tensor', dtype: 'float', shape: sizes } as const;
    // names and types of the whole network say another batch
    for (const node of this.#graph.ops()) for (const value of node.outputs) value.type = undefined;
    if (inside.producer.kind === 'placeholder') inside.type = type;
    else {
      const fed = this.#graph.placeholder(this.#graph.freshName('block_input'), type).output;
      inside.replaceAllUsesWith(fed);
      this.#values.set(this.block.input, fed);
    }
    this.#graph.setOutputs([this.#inside(this.block.output)]);
    this.#graph.eliminateDeadCode();
    for (const node of this.#graph.placeholders) if (node.output.uses.size === 0) this.#graph.eraseNode(node);
  }

  #trainLayer(layer: PreparedLayer): TrainedLayer {
    const outside = layer.weightQuantizer!;
    const quantizer = this.#insideNode(outside);
    const tensor = constantTensor(outside.inputs[0]) as QuantizedTensor;
    const qparams = tensor.qparams;
    const weights = this.#parameter(
      'weight',
      tensor.dims,
      latentWeights(tensor, this.float.weights.get(layer)!),
    );
    const fixed = hasFixedScale(layer);
    const axis = qparams.axis;
    const channels = tensor.dims.map((size, i) => (i === axis ? size : 1));
    const scale = fixed
      ? undefined
      : this.#parameter('weight-scale', channels, new Float32Array(qparams.scale.length));
    const bias = this.#trainBias(layer);
    const w = new GraphWriter(this.#graph, quantizer);
    const { quantMin, quantMax, zeroPoint } = qparams;
    const rounded = w.op('Round', [this.#feed(weights)]);
    const bounded = w.op('Clip', [rounded, w.scalar(quantMin), w.scalar(quantMax)]);
    const centred = zeroPoint.every((zero) => zero === 0)
      ? bounded
      : w.op('Sub', [bounded, w.floats(Float32Array.from(zeroPoint), channels)]);
    let step = w.floats(qparams.scale, channels);
    if (scale !== undefined) step = w.op('Mul', [step, w.op('Exp', [this.#feed(scale)])]);
    this.#replace(quantizer, w.op('Mul', [centred, step]));
    return { layer, qparams, weights, scale, bias };
  }

  #trainBias(layer: PreparedLayer): Parameter | undefined {
    if (layer.biasInput === undefined) return undefined;
    const outside = layer.biasQuantizer?.inputs[0] ?? layer.anchor.inputs[layer.biasInput];
    const tensor = constantTensor(outside);
    if (tensor === undefined) return undefined;
    const bias = this.#parameter('bias', tensor.dims, Float32Array.from(tensor.data() as Float32Array));
    const anchor = this.#insideNode(layer.anchor);
    anchor.setInput(layer.biasInput, this.#feed(bias));
    return bias;
  }

  /** Steps of the grids whose quantizers all stand in this block. */
  #trainSteps(): TrainedStep[] {
    const here = new Set(this.block.quantizers);
    const steps: TrainedStep[] = [];
    for (const group of this.prepared.groups) {
      const { quantizers } = group;
      const [first] = quantizers;
      if (first === undefined || keepsScale(group)) continue;
      if (!quantizers.every((node) => here.has(node)) || quantSpecOf(first).bits > 8) continue;
      const spec = qparamsOf(first);
      const factor = this.#parameter('step', [], Float32Array.of(0));
      steps.push({ group, scale: spec.scale[0]!, factor });
      for (const outside of quantizers) {
        const node = this.#insideNode(outside);
        const w = new GraphWriter(this.#graph, node);
        const step = w.op('Mul', [w.op('Exp', [this.#feed(factor)]), w.scalar(spec.scale[0]!)]);
        this.#quantize(node, w, step, spec);
      }
    }
    return steps;
  }

  #freeze(node: OpNode): void {
    const spec = qparamsOf(node);
    if (spec.role !== 'activation') {
      this.#replace(node, node.inputs[0]!);
      return;
    }
    const w = new GraphWriter(this.#graph, node);
    this.#quantize(node, w, w.scalar(spec.scale[0]!), spec);
  }

  #quantize(node: OpNode, w: GraphWriter, step: Value, spec: QParams): void {
    const low = spec.quantMin - spec.zeroPoint[0]!;
    const high = spec.quantMax - spec.zeroPoint[0]!;
    const codes = w.op('Round', [w.op('Div', [node.inputs[0]!, step])]);
    this.#replace(node, w.op('Mul', [w.op('Clip', [codes, w.scalar(low), w.scalar(high)]), step]));
  }

  #parameter(kind: ParameterKind, dims: readonly number[], values: Float32Array): Parameter {
    const parameter = { name: `${kind}_${this.#parameters.length}`, kind, dims, values };
    this.#parameters.push(parameter);
    return parameter;
  }

  #feed({ name, dims }: Parameter): Value {
    return (
      this.#graph.findValue(name) ??
      this.#graph.placeholder(name, { kind: 'tensor', dtype: 'float', shape: dims }).output
    );
  }

  #insideNode(outside: OpNode): OpNode {
    return this.#inside(outside.outputs[0]!).producer as OpNode;
  }

  #replace(node: OpNode, by: Value): void {
    node.output.replaceAllUsesWith(by);
    for (const [outside, inside] of this.#values) if (inside === node.output) this.#values.set(outside, by);
    this.#graph.eraseNode(node);
  }
}
