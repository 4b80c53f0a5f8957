import { BitwrightError, quantizeTensor, type Tensor } from '@bitwright/core';
import {
  constantTensor,
  nodeName,
  type OpNode,
  QuantizedTensor,
  qparamsOf,
  type Value,
} from '@bitwright/graph';
import type { HardwareConfig } from '../hardware/hardware-schema.js';
import {
  type OperatorClass,
  type OperatorHardware,
  operatorHardware,
} from '../hardware/operator-hardware.js';
import type { FloatOperator, Grid, IntegerStep } from './integer-network.js';
import { codeTarget, type Lowered, type Pending } from './pending.js';

/** Choices of lowering. */
export interface LoweringOptions {
  readonly hardware: HardwareConfig;
  /** Lets operators that integers can't express stay float. */
  readonly allowFloat?: boolean;
}

/** The state of one lowering: the steps so far, and what each value of the graph has become. */
export class Lowering {
  readonly steps: IntegerStep[] = [];
  readonly float: FloatOperator[] = [];
  readonly #values = new Map<Value, Lowered>();
  readonly #names = new Set<string>();
  readonly #hardware = new Map<OperatorClass, OperatorHardware>();

  constructor(readonly options: LoweringOptions) {}

  /** The hardware of a class of operators. */
  hardware(operatorClass: OperatorClass): OperatorHardware {
    let found = this.#hardware.get(operatorClass);
    if (found === undefined) {
      found = operatorHardware(this.options.hardware, operatorClass);
      this.#hardware.set(operatorClass, found);
    }
    return found;
  }

  set(value: Value, lowered: Lowered): void {
    this.#values.set(value, lowered);
  }

  /** What a value has become; undefined for constants. */
  get(value: Value | undefined): Lowered | undefined {
    return value === undefined ? undefined : this.#values.get(value);
  }

  /** A name that no step has yet. */
  fresh(name: string): string {
    let candidate = name;
    for (let i = 1; this.#names.has(candidate); i++) candidate = `${name}_${i}`;
    this.#names.add(candidate);
    return candidate;
  }

  push(step: IntegerStep): void {
    this.steps.push(step);
  }

  /** Ends a pending result in codes on a grid, its moves behind it. */
  finishCodes(pending: Pending, grid: Grid, name: string): Lowered {
    const target = codeTarget(grid, pending.low, pending.high);
    let current = this.fresh(pending.moves.length === 0 ? name : `${pending.node.output.name}_codes`);
    this.push(pending.finish(target, current)!);
    for (const [i, { node, index }] of pending.moves.entries()) {
      const output = this.fresh(i === pending.moves.length - 1 ? name : `${node.output.name}_codes`);
      this.push({ kind: 'move', name: nodeName(node), node, input: current, grid, index, output });
      current = output;
    }
    return { kind: 'codes', name: current, grid };
  }

  /** The name of a value as floats; codes are dequantized for it. */
  asFloat(value: Value): string {
    const lowered = this.#values.get(value);
    if (lowered === undefined) throw unknownValue(value);
    if (lowered.kind === 'float') return lowered.name;
    if (lowered.kind === 'codes') {
      const output = this.fresh(`${value.name}_float`);
      this.push({ kind: 'dequantize', name: output, input: lowered.name, grid: lowered.grid, output });
      return output;
    }
    return this.#floatOfPending(value, lowered);
  }

  #floatOfPending(value: Value, pending: Pending): string {
    const output = this.fresh(`${value.name}_float`);
    const step = pending.finish({ kind: 'float', low: pending.low, high: pending.high }, output);
    if (step === undefined) {
      const { producer } = value;
      this.stayFloat(
        producer as OpNode,
        'SIMULATE_NO_GRID',
        'its result is read as a float: no quantizer stands behind it',
      );
      return this.asFloat(value);
    }
    this.push(step);
    let current = output;
    for (const { node, index } of pending.moves) {
      const moved = this.fresh(`${node.output.name}_float`);
      this.push({
        kind: 'move',
        name: nodeName(node),
        node,
        input: current,
        grid: undefined,
        index,
        output: moved,
      });
      current = moved;
    }
    this.set(value, { kind: 'float', name: current });
    return current;
  }

  /** Leaves an operator float. @throws SIMULATE_FLOAT with the reason unless floats are allowed. */
  stayFloat(node: OpNode, code: string, reason: string): void {
    if (this.options.allowFloat !== true) {
      throw new BitwrightError({
        code: 'SIMULATE_FLOAT',
        message: `'${nodeName(node)}' (${node.opType}) can't run in integers (${code}): ${reason}.`,
        hint: 'Quantize with --scheme integer-only, or let it stay float with --allow-float.',
        at: { node: nodeName(node) },
      });
    }
    this.float.push({ name: nodeName(node), opType: node.opType, code, reason });
    const inputs = node.inputs.map((value) => this.#floatInput(value));
    const output = this.fresh(node.output.name);
    this.push({ kind: 'float', name: nodeName(node), node, inputs, output });
    this.set(node.output, { kind: 'float', name: output });
  }

  #floatInput(value: Value | undefined): string | Tensor | undefined {
    if (value === undefined) return undefined;
    const constant = constantTensor(value) ?? weightTensor(value);
    return constant ?? this.asFloat(value);
  }
}

/** The grid of an activation's quantizer. @throws SIMULATE_GRID for one scale per channel, which no accumulator can sum over. */
export function gridOf(node: OpNode): Grid {
  const spec = qparamsOf(node);
  if (spec.scale.length !== 1) {
    throw new BitwrightError({
      code: 'SIMULATE_GRID',
      message: `The activation '${node.inputs[0]!.name}' has one scale for each channel.`,
      hint: 'Quantize activations with one scale for the tensor.',
      at: { value: node.inputs[0]!.name },
    });
  }
  return {
    bits: spec.bits,
    min: spec.quantMin,
    max: spec.quantMax,
    zeroPoint: spec.zeroPoint[0]!,
    scale: spec.scale[0]!,
  };
}

/** The codes of a constant behind a quantizer: those it was rounded to, else the nearest. */
export function constantCodes(node: OpNode): { codes: Int32Array; dims: readonly number[] } {
  const tensor = constantTensor(node.inputs[0])!;
  if (tensor instanceof QuantizedTensor) return { codes: tensor.codes, dims: tensor.dims };
  const data = tensor.data() as Float32Array;
  return { codes: quantizeTensor(data, tensor.dims, qparamsOf(node)), dims: tensor.dims };
}

/** The constant that a quantizer of weights or biases reads, as the floats that its codes stand for. */
function weightTensor(value: Value): Tensor | undefined {
  const { producer } = value;
  if (producer.kind !== 'op' || constantTensor(producer.inputs[0]) === undefined) return undefined;
  const { codes, dims } = constantCodes(producer);
  return new QuantizedTensor(dims, codes, qparamsOf(producer));
}

function unknownValue(value: Value): BitwrightError {
  return new BitwrightError({
    code: 'SIMULATE_VALUE',
    message: `The value '${value.name}' is computed by something that the simulator does not follow.`,
    hint: 'Fold constants first, or cut this part off the model.',
    at: { value: value.name },
  });
}
