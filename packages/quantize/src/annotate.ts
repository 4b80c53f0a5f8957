import type { DTypeWithConstraints } from '@bitwright/backends';
import type { Diagnostic } from '@bitwright/core';
import { nodeName, type OpNode, type Value } from '@bitwright/graph';
import type { Annotation, Place } from './annotation.js';
import type { GridConstraints } from './grid-constraints.js';
import type { PlannedLayer } from './layer-plan.js';
import { chosenInputs, type FloatReason } from './operand-roles.js';
import type { QConfig, QConfigResolver } from './qconfig.js';

/** What a table says of the activations of a graph, place by place. */
export interface Annotated {
  readonly annotations: readonly Annotation[];
  /** Layers whose inputs decide that they stay float. */
  readonly refused: ReadonlyMap<PlannedLayer, FloatReason>;
  /** Widths asked for single tensors that the table does not take. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Compiles the planned layers, in the graph's order, to annotations of values and edges. Edits nothing. */
export function annotate(layers: readonly PlannedLayer[], resolver: QConfigResolver): Annotated {
  const annotator = new Annotator(resolver);
  const refused = new Map<PlannedLayer, FloatReason>();
  for (const layer of layers) {
    const reason = annotator.add(layer);
    if (reason !== undefined) refused.set(layer, reason);
  }
  return { annotations: annotator.annotations, refused, diagnostics: annotator.diagnostics };
}

/** The place of an edge. */
export function edgeOf(node: OpNode, index: number): Place {
  return { kind: 'edge', value: node.inputs[index]!, node, index };
}

class Annotator {
  readonly annotations: Annotation[] = [];
  readonly diagnostics: Diagnostic[] = [];
  /** Values whose producer's result is quantized. */
  readonly #quantized = new Set<Value>();

  constructor(private readonly resolver: QConfigResolver) {}

  add(layer: PlannedLayer): FloatReason | undefined {
    const { observation } = layer.entry;
    if (observation === 'INPUT_OUTPUT_NOT_OBSERVED') return this.#constants(layer);
    if (observation === 'OUTPUT_SHARE_OBSERVER_WITH_INPUT') return this.#share(layer);
    const inputs = chosenInputs(layer.anchor, layer.activationInputs, layer.entry.quantizedInputs);
    if ('code' in inputs) return inputs;
    this.#constants(layer);
    const edges = layer.dtype.input === undefined ? [] : this.#inputs(layer, inputs, layer.dtype.input);
    const result = layer.dtype.output === undefined ? undefined : this.#output(layer, layer.dtype.output);
    const { sameScale } = layer.entry;
    if (sameScale === undefined) return undefined;
    const together = sameScale === 'inputs-and-output' && result !== undefined ? [...edges, result] : edges;
    for (const place of together.slice(1))
      this.annotations.push({
        role: 'activation',
        place,
        spec: { kind: 'shared', with: together[0]! },
        layer,
      });
    return undefined;
  }

  /** The results of an operator that only moves values have the grid of its input, if that has one. */
  #share(layer: PlannedLayer): FloatReason | undefined {
    const { anchor, dtype } = layer;
    if (!this.#quantized.has(anchor.inputs[0]!))
      return { code: 'FLOAT_INPUT_FLOAT', reason: 'it only moves values and its input is float' };
    const input = edgeOf(anchor, 0);
    if (dtype.input !== undefined) this.#annotate(layer, input, layer.requested, dtype.input);
    for (const value of movedResults(anchor)) {
      this.#quantized.add(value);
      const place: Place = { kind: 'value', value };
      this.annotations.push({ role: 'activation', place, spec: { kind: 'shared', with: input }, layer });
    }
    return undefined;
  }

  #inputs(layer: PlannedLayer, inputs: readonly number[], constraints: DTypeWithConstraints): Place[] {
    return inputs.flatMap((index) => {
      const place = edgeOf(layer.anchor, index);
      const config = this.#quantized.has(place.value)
        ? layer.requested
        : this.resolver.forTensor(place.value.name, layer.requested);
      if (config === undefined) return [];
      this.#annotate(layer, place, config, constraints);
      return [place];
    });
  }

  #output(layer: PlannedLayer, constraints: DTypeWithConstraints): Place | undefined {
    const value = layer.nodes.at(-1)!.outputs[0]!;
    const config = this.resolver.forTensor(value.name, layer.requested);
    if (config === undefined) return undefined;
    this.#quantized.add(value);
    const place: Place = { kind: 'value', value };
    this.#annotate(layer, place, config, constraints);
    return place;
  }

  /** Weights have a grid of their own; an int32 bias derives its scale from input and weights. */
  #constants(layer: PlannedLayer): undefined {
    const { anchor, config, dtype, weightInput, biasInput } = layer;
    if (weightInput === undefined || dtype.weight === undefined) return;
    const place = edgeOf(anchor, weightInput);
    const spec = { kind: 'quantization', config, constraints: gridOnly(dtype.weight) } as const;
    this.annotations.push({ role: 'weight', place, spec, layer });
    if (biasInput === undefined || config.bias === 'float') return;
    const bits = config.bias === 'int8' ? 8 : 16;
    this.annotations.push({
      role: 'bias',
      place: edgeOf(anchor, biasInput),
      spec:
        config.bias === 'int32'
          ? { kind: 'derived', from: [edgeOf(anchor, 0), place], bits: 32 }
          : { kind: 'quantization', config, constraints: { bits: [bits], symmetric: true } },
      layer,
    });
  }

  #annotate(layer: PlannedLayer, place: Place, asked: QConfig, operand: DTypeWithConstraints): void {
    const constraints = gridOnly(operand);
    const isTaken = constraints.bits.includes(asked.activations);
    const config = isTaken ? asked : layer.requested;
    if (!isTaken)
      this.diagnostics.push({
        code: 'TENSOR_BITS_REFUSED',
        severity: 'warning',
        message: `The table takes no ${asked.activations} bits for '${place.value.name}' at '${nodeName(layer.anchor)}'; it gets ${config.activations}.`,
        hint: `Ask for ${constraints.bits.join(' or ')} bits, or for another backend.`,
        at: { node: nodeName(layer.anchor), value: place.value.name },
      });
    const { fixedRange } = constraints;
    this.annotations.push({
      role: 'activation',
      place,
      spec:
        fixedRange === undefined
          ? { kind: 'quantization', config, constraints }
          : { kind: 'fixed', config, constraints: { ...constraints, fixedRange } },
      layer,
    });
  }
}

/** The constraints of an operand without those of channels, which concern weights alone. */
function gridOnly({
  perChannel: _p,
  channelAxis: _c,
  ...constraints
}: DTypeWithConstraints): GridConstraints {
  return constraints;
}

/** The results that hold values of the input: all but the indices that a MaxPool may give beside them. */
function movedResults(node: OpNode): readonly Value[] {
  return node.is('MaxPool') ? node.outputs.slice(0, 1) : node.outputs;
}
