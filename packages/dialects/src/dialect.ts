import type { Diagnostic } from '@bitwright/core';
import type { GraphModule, QuantSpec } from '@bitwright/graph';

/** Choices of lowering that are not the dialect's own. */
export interface LowerOptions {
  /** Lets W8A8 layers keep signed weights even where 16-bit pair sums would saturate on CPUs without VNNI. */
  readonly allowPairSaturation?: boolean;
}

/** A way to write a quantized graph in ONNX operators that a consumer understands. */
export interface Dialect {
  readonly name: string;
  readonly description: string;
  /** True when a stock ONNX Runtime loads its files. */
  readonly runsInOnnxRuntime: boolean;
  /** Zero points other than 0 can't be said: activations with two sides need signed symmetric grids. */
  readonly zeroPointIsZero?: boolean;
  /** The opset that a quantizer needs. @throws DIALECT_WIDTH when the dialect can't say its width. */
  opsetFor(spec: QuantSpec): number;
  /** Rewrites every quantizer of a converted model, in place. */
  lower(module: GraphModule, options: LowerOptions): Diagnostic[];
}
