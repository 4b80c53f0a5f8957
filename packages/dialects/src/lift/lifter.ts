import type { Diagnostic, DType, QParams } from '@bitwright/core';
import {
  BITWRIGHT_DOMAIN,
  type Graph,
  type Node,
  type OpNode,
  quantAttributes,
  setQParams,
  type Value,
  type ValueType,
} from '@bitwright/graph';
import { constantOf } from './constant-of.js';
import type { Unliftable } from './read-qparams.js';
import type { LayerWidths } from './true-widths.js';

/** What stands behind an integer value: the float value that its codes mean. */
export interface Twin {
  readonly qparams: QParams;
  readonly carrier: DType;
  /** The float value; made on first call, before the node that reads it. */
  value(before: Node): Value;
}

/** Integer codes that are fixed in the model. */
export interface ConstantCodes {
  readonly name: string;
  readonly dims: readonly number[];
  readonly codes: Int32Array;
  readonly carrier: DType;
}

/** Lifts one operator of a quantized file, or leaves it with a reason. */
export type LiftHandler = (lifter: Lifter, node: OpNode) => void;

/** The state of one lift: which float value stands for which codes, and what had to stay. */
export class Lifter {
  readonly diagnostics: Diagnostic[] = [];
  readonly #twins = new Map<Value, Twin>();
  readonly #constants = new Map<Value, ConstantCodes>();
  readonly #left = new Set<OpNode>();

  constructor(
    readonly graph: Graph,
    /** True widths of layers by name, from the file's metadata. */
    readonly widths: ReadonlyMap<string, LayerWidths>,
  ) {}

  /** Says why an operator stays as it is in the file; once for each. */
  leave(node: OpNode, { code, reason }: Unliftable): void {
    if (this.#left.has(node)) return;
    this.#left.add(node);
    this.diagnostics.push({
      code,
      severity: 'warning',
      message: `'${node.displayName}' (${node.opType}) stays as it is in the file: ${reason}.`,
      at: { node: node.displayName },
    });
  }

  wasLeft(node: OpNode): boolean {
    return this.#left.has(node);
  }

  twinOf(value: Value | undefined): Twin | undefined {
    return value === undefined ? undefined : this.#twins.get(value);
  }

  setTwin(value: Value, twin: Twin): void {
    this.#twins.set(value, twin);
  }

  setConstant(value: Value, codes: ConstantCodes): void {
    this.#constants.set(value, codes);
  }

  /** The codes of an integer constant, or of a float constant that the file quantizes when it is loaded. */
  constantCodes(value: Value | undefined): ConstantCodes | undefined {
    if (value === undefined) return undefined;
    const known = this.#constants.get(value);
    if (known !== undefined) return known;
    const tensor = constantOf(value);
    if (tensor === undefined || !/^u?int(2|4|8|16|32)$/.test(tensor.dtype)) return undefined;
    const codes: ConstantCodes = {
      name: value.name,
      dims: tensor.dims,
      codes: Int32Array.from(tensor.data() as Int32Array),
      carrier: tensor.dtype,
    };
    this.#constants.set(value, codes);
    return codes;
  }

  /** The twin of what a quantizer makes of a float value. */
  quantized(input: Value, qparams: QParams, carrier: DType): Twin {
    let made: Value | undefined;
    const value = (before: Node): Value => {
      made ??= this.#quantizer(input, qparams, before);
      return made;
    };
    return { qparams, carrier, value };
  }

  /** Lets every reader of a value read the float one that it stands for. */
  replace(value: Value, float: Value): void {
    if (float.type === undefined && value.type !== undefined) float.type = value.type;
    value.replaceAllUsesWith(float);
  }

  #quantizer(input: Value, qparams: QParams, before: Node): Value {
    const { bits, signed, quantMin, quantMax } = qparams;
    const node = this.graph.createOp({
      opType: input.producer.kind === 'placeholder' ? 'QuantStub' : 'FakeQuantize',
      domain: BITWRIGHT_DOMAIN,
      name: `${input.name}_quantizer`,
      inputs: [input],
      attributes: quantAttributes({ role: 'activation', bits, signed, quantMin, quantMax }).with({
        tensor: input.name,
      }),
      outputs: [
        {
          name: this.graph.freshName(`${input.name}_quantized`),
          ...(input.type && { type: input.type }),
        },
      ],
      before,
    });
    setQParams(node, qparams);
    return node.output;
  }
}

/** The type of the float value that stands for a value of codes. */
export function floatType(value: Value): ValueType | undefined {
  return value.type?.kind === 'tensor' ? { ...value.type, dtype: 'float' } : undefined;
}
