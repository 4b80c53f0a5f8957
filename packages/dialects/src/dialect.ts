import type { Diagnostic } from '@bitwright/core';
import type { GraphModule, QuantSpec } from '@bitwright/graph';

/** Choices of lowering that are not the dialect's own. */
export interface LowerOptions {
  /** Lets W8A8 layers keep signed weights even where 16-bit pair sums would saturate on CPUs without VNNI. */
  readonly allowPairSaturation?: boolean;
  /** `none` leaves out the guards against ONNX Runtime's traps, where another program reads the file. */
  readonly guards?: 'onnxruntime' | 'none';
}

/** A way to write quantization in ONNX operators that can be read. */
export interface Importer {
  readonly name: string;
  readonly description: string;
  /**
   * Turns a captured file into the quantized graph of the private dialect, in place, with the codes, scales and zero points
   * of the file. Widths are those of the metadata `bitwright.layers`, else what bounds and codes show. What cannot be
   * lifted stays, and is named with a LIFT_ code and its reason.
   */
  lift(module: GraphModule): Diagnostic[];
}

/** A way to write a quantized graph in ONNX operators that a consumer understands, and to read it back. */
export interface Dialect extends Importer {
  /** True when a stock ONNX Runtime loads its files. */
  readonly runsInOnnxRuntime: boolean;
  /** Zero points other than 0 can't be said: activations with two sides need signed symmetric grids. */
  readonly zeroPointIsZero?: boolean;
  /** The opset that a quantizer needs. @throws DIALECT_WIDTH when the dialect can't say its width. */
  opsetFor(spec: QuantSpec): number;
  /** Rewrites every quantizer of a converted model, in place. */
  lower(module: GraphModule, options: LowerOptions): Diagnostic[];
}
