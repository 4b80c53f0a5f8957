import { type HardwareConfig, type OutputTrace, traceOutput } from '@bitwright/simulate';
import { interpretSamples, loadInteger } from './integer-model.js';
import type { ModelInput } from './model-file.js';
import type { DataInput } from './quantize-options.js';

/** Which output element is followed. */
export interface TraceModelOptions {
  /** Name of a convolution or product with constant weights. */
  readonly node: string;
  /** Index of the element, e.g. [0, 3, 5, 5]. */
  readonly output: readonly number[];
  readonly data: DataInput;
  /** Which sample of the data, from 0 on. */
  readonly sample?: number;
  readonly hardware?: string | HardwareConfig;
}

/** The integer arithmetic of one output element, product by product. */
export async function traceModel(model: ModelInput, options: TraceModelOptions): Promise<OutputTrace> {
  const integer = await loadInteger(model, options.hardware);
  const run = await interpretSamples(integer, model, options.data, options.sample ?? 0, 1);
  return traceOutput(integer.network, run, options.node, options.output);
}
