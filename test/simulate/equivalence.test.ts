import { DenseTensor, seededRandom } from '@bitwright/core';
import { openOrtNode } from '@bitwright/runtime';
import { emitNetwork, type HardwareConfig, interpret, lowerNetwork } from '@bitwright/simulate';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RandomNetwork } from './random-network.js';

/** How many accumulators, codes and outputs differ between the interpreter and ONNX Runtime. */
async function differences(
  seed: number,
  hardware?: HardwareConfig,
): Promise<{ different: string[]; compared: number; overflows: number }> {
  const random = new RandomNetwork(seed);
  const module = random.module(random.whole(1, 5));
  const network = lowerNetwork(module, { hardware: hardware ?? random.hardware() });
  const emitted = emitNetwork(network, { observe: ['statistics', 'accumulators', 'codes'] });
  const [input] = network.inputs;
  const dims = [2, ...input!.shape!.slice(1)] as number[];
  const uniform = seededRandom(seed + 1);
  const data = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => (uniform() - 0.5) * 40);
  const executor = await openOrtNode(emitted.bytes, { threads: 1 });
  const results = await executor.run(new Map([['x', new DenseTensor('float', dims, data)]]));
  await executor.release();
  const run = interpret(network, new Map([['x', { dims, data }]]));
  const different: string[] = [];
  let compared = 0;
  let overflows = 0;
  const compare = (name: string, theirs: ArrayLike<number>, ours: ArrayLike<number>, shift: number): void => {
    if (theirs.length !== ours.length)
      different.push(`${name}: ${theirs.length} and ${ours.length} elements`);
    compared += ours.length;
    for (let i = 0; i < ours.length; i++)
      if (theirs[i] !== ours[i]! + shift) {
        different.push(`${name}[${i}]: ${theirs[i]} and ${ours[i]! + shift}`);
        return;
      }
  };
  for (const step of network.steps) {
    const names = emitted.observed.get(step.output);
    if (names?.accumulators !== undefined)
      compare(
        names.accumulators,
        results.get(names.accumulators)!.data() as Int32Array,
        run.accumulators.get(step.output)!.data,
        0,
      );
    if (names?.least !== undefined) {
      const record = run.records.get(step.output)!;
      const of = (name: string | undefined): number =>
        name === undefined ? 0 : Number(results.get(name)!.data()[0]);
      const theirs = [Math.min(0, of(names.least)), Math.max(0, of(names.most)), of(names.overflows)];
      compare(`${step.name} statistics`, theirs, [record.low, record.high, record.overflows], 0);
      overflows += record.overflows;
    }
    if (names?.codes !== undefined && 'grid' in step) {
      const shift = Math.max(0, -(step.grid?.min ?? 0));
      compare(
        names.codes,
        results.get(names.codes)!.data() as Int32Array,
        run.values.get(step.output)!.data,
        shift,
      );
    }
  }
  for (const { name, value } of network.outputs)
    compare(name, results.get(name)!.data() as Float32Array, run.values.get(value)!.data, 0);
  return { different, compared, overflows };
}

test('the interpreter and the emitted model agree on every bit of random networks and devices', async () => {
  let compared = 0;
  let overflows = 0;
  await fc.assert(
    fc.asyncProperty(fc.nat(1_000_000), async (seed) => {
      const found = await differences(seed);
      compared += found.compared;
      overflows += found.overflows;
      expect(found.different).toEqual([]);
    }),
    { numRuns: 150, interruptAfterTimeLimit: 60_000, markInterruptAsFailure: false },
  );
  expect(compared).toBeGreaterThan(10_000);
  expect(overflows).toBeGreaterThan(1000);
});
