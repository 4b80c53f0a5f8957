import { BitwrightError } from '@bitwright/core';
import type { GraphModule } from '@bitwright/graph';
import {
  type HardwareConfig,
  type IntegerNetwork,
  type Interpretation,
  interpret,
  lowerNetwork,
} from '@bitwright/simulate';
import { openDataInput } from './data-input.js';
import { inputSpecs, type ModelInput } from './model-file.js';
import { loadHardware } from './node/load-hardware.js';
import type { DataInput } from './quantize-options.js';
import { loadQuantized } from './quantized-model.js';

/** What integers are lowered for when nothing is said: exact 32-bit sums, requantization as ONNX Runtime does it. */
const EXACT: HardwareConfig = { name: 'exact', requantize: { kind: 'float' } };

/** A quantized file as an integer network, and the hardware that it was lowered for. */
export interface IntegerModel {
  /** The quantized graph that it was lowered from, its shapes inferred. */
  readonly module: GraphModule;
  readonly network: IntegerNetwork;
  readonly hardware: string;
}

/** Lowers a quantized file to integers, for a preset, a file, a description, or exact sums. Analog parts are left out. */
export async function loadInteger(
  model: ModelInput,
  hardware?: string | HardwareConfig,
): Promise<IntegerModel> {
  const named = typeof hardware === 'string' ? await loadHardware(hardware) : (hardware ?? EXACT);
  const { module } = loadQuantized(model);
  return { module, network: lowerNetwork(module, { hardware: named }), hardware: named.name };
}

/**
 * Runs some samples through the interpreter, from `first` on.
 *
 * @throws TRACE_SAMPLE when the data has fewer.
 */
export async function interpretSamples(
  { module, network }: IntegerModel,
  data: DataInput,
  first: number,
  count: number,
): Promise<Interpretation> {
  const source = await openDataInput(data, inputSpecs(module), {
    samples: first + count,
  });
  let skipped = 0;
  for await (const batch of source.batches(first === 0 ? count : 1)) {
    if (skipped++ < first) continue;
    const inputs = new Map(
      [...batch.inputs].map(([name, tensor]) => [
        name,
        { dims: tensor.dims, data: tensor.data() as Float32Array },
      ]),
    );
    return interpret(network, inputs);
  }
  throw new BitwrightError({
    code: 'TRACE_SAMPLE',
    message: `'${source.name}' has no sample ${first}.`,
    hint: `Give a smaller --sample; the first one is 0.`,
    at: { file: source.name, option: '--sample' },
  });
}
