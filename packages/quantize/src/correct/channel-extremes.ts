import { BitwrightError, floatData } from '@bitwright/core';
import type { SampleSource } from '@bitwright/data';
import { emitBytes } from '@bitwright/emit';
import type { GraphModule, Value } from '@bitwright/graph';
import type { OpenExecutor } from '@bitwright/runtime';
import { noSamples } from '../no-samples.js';

/** The smallest and the largest number of each channel of a value. */
export interface ChannelExtremes {
  readonly min: Float64Array;
  readonly max: Float64Array;
}

/** What measuring works with. */
export interface MeasureOptions {
  readonly open: OpenExecutor;
  readonly data: SampleSource;
  readonly signal?: AbortSignal | undefined;
}

// small enough that a batch's activations stay near the caches
const BATCH = 4;
const OURS = 'ai.bitwright.';

/**
 * Runs a float model over the data and finds the extremes of each channel of some of its values, [N, C, ...]: the runtime
 * takes them over the places of a sample, so that no activation is fetched. Values whose rank is not known, or below 2, are left out.
 *
 * @throws CALIBRATION_NO_SAMPLES, CALIBRATION_NOT_FINITE naming the tensor, and whatever the runtime says.
 */
export async function measureChannels(
  module: GraphModule,
  values: readonly Value[],
  { open, data, signal }: MeasureOptions,
): Promise<Map<Value, ChannelExtremes>> {
  const measured = values.filter(({ shape }) => (shape?.length ?? 0) >= 2);
  const found = new Map<Value, ChannelExtremes>();
  if (measured.length === 0) return found;
  const executor = await open(measuringModel(module, measured), {
    name: 'the float model',
    idleThreadsSleep: true,
  });
  let samples = 0;
  try {
    for await (const batch of data.batches(BATCH)) {
      signal?.throwIfAborted();
      samples += batch.size;
      const results = await executor.run(batch.inputs);
      for (const [i, value] of measured.entries()) {
        const [max, negated] = ['max', 'min'].map((kind) => floatData(results.get(`${OURS}${kind}${i}`)!));
        const channels = max!.length / batch.size;
        const held = found.get(value) ?? nothingOf(channels);
        found.set(value, held);
        widen(held, max!, negated!, value);
      }
    }
  } finally {
    await executor.release();
  }
  if (samples > 0) return found;
  throw noSamples(data.name);
}

/** A copy of the model that gives max x and max -x of each value, over its places. */
function measuringModel(module: GraphModule, values: readonly Value[]): Uint8Array {
  const copy = module.clone();
  const { graph } = copy;
  const outputs: Value[] = [];
  for (const [i, { name, shape }] of values.entries()) {
    const x = graph.findValue(name)!;
    const negated = graph.createOp({ opType: 'Neg', inputs: [x] }).output;
    for (const [kind, value] of [
      ['max', x],
      ['min', negated],
    ] as const) {
      const opType = shape!.length > 2 ? 'GlobalMaxPool' : 'Identity';
      const { output } = graph.createOp({ opType, inputs: [value] });
      graph.rename(output, `${OURS}${kind}${i}`);
      outputs.push(output);
    }
  }
  graph.setOutputs(outputs);
  graph.eliminateDeadCode();
  return emitBytes(copy, { external: 'inline' });
}

function nothingOf(channels: number): ChannelExtremes {
  return {
    min: new Float64Array(channels).fill(Number.POSITIVE_INFINITY),
    max: new Float64Array(channels).fill(Number.NEGATIVE_INFINITY),
  };
}

function widen(
  { min, max }: ChannelExtremes,
  highs: Float32Array,
  negated: Float32Array,
  { name }: Value,
): void {
  const channels = max.length;
  for (let i = 0; i < highs.length; i++) {
    const [high, low] = [highs[i]!, -negated[i]!];
    if (!Number.isFinite(high) || !Number.isFinite(low)) throw notFinite(name);
    const channel = i % channels;
    if (high > max[channel]!) max[channel] = high;
    if (low < min[channel]!) min[channel] = low;
  }
}

function notFinite(tensor: string): BitwrightError {
  return new BitwrightError({
    code: 'CALIBRATION_NOT_FINITE',
    message: `The tensor '${tensor}' is not finite on the calibration data.`,
    hint: 'Check the data for NaN and infinity, and its preprocessing.',
    at: { value: tensor },
  });
}
