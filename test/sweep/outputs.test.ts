import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openDataCard } from '@bitwright/data';
import { logitRows, type OpenExecutor, openOrtNode } from '@bitwright/runtime';
import { type SweepDocument, sweep } from 'bitwright';
import { beforeAll, describe, expect, it } from 'vitest';
import { MNIST, temporaryFolder } from '../support/cli.js';

const folder = temporaryFolder();
const emitted = join(folder, 'emitted');
const evaluation = join(MNIST, 'evaluation.json');
const SAMPLES = 150;

/** Every logit that a model gave, sample after sample, by what it is called. */
const outputs = new Map<string, number[]>();

/** Opens models as always, and writes down what those of a sweep give. */
const open: OpenExecutor = async (model, options) => {
  const executor = await openOrtNode(model, options);
  const { name = '' } = options ?? {};
  return {
    inputs: executor.inputs,
    outputNames: executor.outputNames,
    release: () => executor.release(),
    async run(feeds, fetches) {
      const results = await executor.run(feeds, fetches);
      if (options?.threads === 1) {
        const [first] = [...feeds.values()];
        const { data } = logitRows(results.get('logits')!, first!.dims[0]!);
        outputs.set(name, [...(outputs.get(name) ?? []), ...data]);
      }
      return results;
    },
  };
};

const noTensors = (): never => {
  throw new Error('the card names images only');
};

/** The logits of a file by itself: a session of its own, another number of threads, batches of another size. */
async function alone(path: string, mode: 'faithful' | 'default'): Promise<number[]> {
  const executor = await openOrtNode(readFileSync(path), { mode, threads: 2 });
  const logits: number[] = [];
  const data = await openDataCard(evaluation, executor.inputs, { samples: SAMPLES, decodeTensor: noTensors });
  for await (const { inputs, size } of data.batches(50))
    logits.push(...logitRows((await executor.run(inputs, ['logits'])).get('logits')!, size).data);
  await executor.release();
  return logits;
}

describe.each([['integer-only'], ['backend']])('the cells of a sweep, scheme %s', (scheme) => {
  const model = join(MNIST, 'resnet8_ce.onnx');
  let document: SweepDocument;

  beforeAll(async () => {
    outputs.clear();
    const options = {
      bits: 'W8A8,W6A6,W4A8,W3A3,W2A2',
      scheme,
      method: 'fast',
      data: join(MNIST, 'calibration.json'),
      samples: 32,
      evaluation,
      evaluationSamples: SAMPLES,
      report: join(folder, scheme),
      emit: emitted,
    };
    ({ document } = await sweep([model], options, { open }));
  });

  it('give output for output what each emitted file gives by itself', async () => {
    expect(outputs.size).toBe(document.runs.length + 1);
    for (const { bits, file } of document.runs) {
      const found = outputs.get(`${model} at ${bits}, ${scheme}, fast`)!;
      expect(found).toHaveLength(10 * SAMPLES);
      // bit for bit, not within a tolerance
      expect(found, bits).toEqual(await alone(join(emitted, file!), 'faithful'));
    }
  });

  it('give other outputs at other widths: the comparison can fail', () => {
    const [eight, two] = ['W8A8', 'W2A2'].map((bits) => outputs.get(`${model} at ${bits}, ${scheme}, fast`));
    expect(eight).not.toEqual(two);
    expect(outputs.get(model)).not.toEqual(eight);
  });
});
