import type { SampleSource } from '@bitwright/data';
import type { OpenExecutor } from '@bitwright/runtime';
import { isAnalog, type SeenMagnitudes } from '../analog/resolve-analog.js';
import type { IntegerNetwork } from '../network/integer-network.js';
import { emitNetwork } from '../onnx/emit-network.js';
import { cachedBatch } from './cached-batch.js';

/**
 * Finds the largest input and the largest sum of a tile of every analog layer on data, with exact digital sums: what a
 * converter's calibrated range is set by.
 */
export async function calibrateRanges(
  network: IntegerNetwork,
  data: SampleSource,
  open: OpenExecutor,
  signal?: AbortSignal,
): Promise<Map<string, SeenMagnitudes>> {
  const emitted = emitNetwork(exactTiles(network), { observe: ['magnitudes'] });
  const executor = await open(emitted.bytes, { name: 'the emitted integer model', idleThreadsSleep: true });
  const seen = new Map<string, SeenMagnitudes>();
  try {
    const wanted = [...emitted.observed.values()].flatMap(({ tile, input }) => [tile!, input!]);
    for await (const batch of data.batches(cachedBatch(network.inputs))) {
      signal?.throwIfAborted();
      const results = await executor.run(batch.inputs, wanted);
      for (const [output, names] of emitted.observed) {
        const before = seen.get(output) ?? { input: 0, tile: 0 };
        const number = (name: string): number => Number(results.get(name)!.data()[0]);
        seen.set(output, {
          input: Math.max(before.input, number(names.input!)),
          tile: Math.max(before.tile, number(names.tile!)),
        });
      }
    }
  } finally {
    await executor.release();
  }
  return seen;
}

/** The same sums, each tile for itself and in 32 bits, so that nothing overflows. */
export function exactTiles(network: IntegerNetwork): IntegerNetwork {
  const steps = network.steps.map((step) => {
    if (step.kind !== 'dot') return step;
    const { hardware } = step;
    const at = isAnalog(step) ? ('tile' as const) : ('end' as const);
    const accumulator = { bits: 32, overflow: 'wrap', at, sum: 'centred', bias: 'apart' } as const;
    return { ...step, hardware: { ...hardware, accumulator, pairs: false } };
  });
  return { ...network, steps };
}
