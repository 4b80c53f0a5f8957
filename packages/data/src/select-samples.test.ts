import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cifar, DataFolder, input } from '../test/data-folder.js';
import { selectSamples } from './select-samples.js';

const folder = new DataFolder();
folder.write('ten.bin', cifar(10));
const card = {
  format: 'cifar10-binary',
  files: ['ten.bin'],
  inputs: { '*': { from: 'image' } },
  label: 'record',
} as const;
const model = input(['N', 3, 32, 32]);

describe('the selection of samples', () => {
  it('skips, shuffles, takes, and then keeps the first of the command', () => {
    const { order } = selectSamples(10, { skip: 2, shuffle: 7, take: 5 }, 3, 'card');
    const shuffled = selectSamples(10, { skip: 2, shuffle: 7 }, undefined, 'card').order;
    expect(order).toEqual(shuffled.slice(0, 3));
    expect([...shuffled].sort((a, b) => a - b)).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
    expect([...shuffled]).not.toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('is the same for the same seed, and another for another', () => {
    const order = (shuffle: number): number[] => [...selectSamples(50, { shuffle }, undefined, 'card').order];
    expect(order(1)).toEqual(order(1));
    expect(order(1)).not.toEqual(order(2));
  });

  it('warns with the numbers when there are fewer than asked for', () => {
    const taken = selectSamples(10, { skip: 4, take: 8 }, undefined, 'card').diagnostics;
    expect(taken).toMatchObject([
      { code: 'DATA_FEWER_SAMPLES', severity: 'warning', at: { option: 'take' } },
    ]);
    const asked = selectSamples(10, {}, 1024, 'card').diagnostics;
    expect(asked[0]!.message).toMatch(/1024 .*10/);
    expect(asked[0]!.at).toMatchObject({ option: '--samples' });
    expect(asked[0]!.message).toContain('asked for');
    const unasked = selectSamples(10, {}, 1024, 'card', true).diagnostics;
    expect(unasked[0]!.message).toBe(
      "1024 samples are the default (--samples) and 'card' has 10: all 10 are used.",
    );
    expect(unasked[0]!.hint).toBe('Give more data, or say --samples 10.');
  });

  it.each([
    ['nothing at all', 0, {}, 'no sample'],
    ['everything skipped', 10, { skip: 10 }, 'leaves none'],
  ])('refuses %s', (_, count, selection, said) => {
    expect(() => selectSamples(count, selection, undefined, 'card.json')).toThrow(said);
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses %s samples as wrong usage', (samples) => {
    expect(() => selectSamples(10, {}, samples, 'card')).toThrow(
      expect.objectContaining({ code: 'DATA_SAMPLES', kind: 'usage' }),
    );
  });
});

describe('batches', () => {
  it('hold the same samples in the same order for any batch size', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 12 }),
        fc.record({ skip: fc.nat(8), take: fc.integer({ min: 1, max: 10 }) }),
        fc.option(fc.nat(5), { nil: undefined }),
        async (batchSize, part, shuffle) => {
          const selection = { ...part, ...(shuffle !== undefined && { shuffle }) };
          const { labels, values, shapes } = await folder.read({ ...card, ...selection }, model, {
            batchSize,
          });
          const { order } = selectSamples(10, selection, undefined, 'card');
          expect(labels).toEqual([...order]);
          expect(labels.map((_, i) => values['x']![i * 3072])).toEqual([...order]);
          expect(shapes.every(([size]) => size! <= batchSize)).toBe(true);
        },
      ),
      { numRuns: 20 },
    );
  });

  it('have the size that the model fixes; what does not fill one is left out with a warning', async () => {
    const source = await folder.open(card, input([4, 3, 32, 32]));
    expect(source.count).toBe(8);
    expect(source.diagnostics).toMatchObject([{ code: 'DATA_LEFT_OUT', severity: 'warning' }]);
    const { shapes } = await folder.read(card, input([1, 3, 32, 32]), { batchSize: 7 });
    expect(shapes).toHaveLength(10);
  });

  it('refuse a size that is none', async () => {
    const source = await folder.open(card, model);
    await expect(source.batches(0)[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: 'DATA_BATCH_SIZE',
    });
  });
});

describe('labels', () => {
  it('are an error only where they are needed', async () => {
    const { label: _, ...plain } = card;
    expect((await folder.read(plain, model)).labels).toEqual(new Array(10).fill(undefined));
    expect((await folder.failure(plain, model, { labels: 'needed' })).code).toBe('DATA_LABELS_MISSING');
  });
});

describe('random data', () => {
  const random = (seed: number) =>
    ({
      format: 'random',
      samples: 6,
      seed,
      inputs: { x: { distribution: 'uniform', low: -1, high: 2 }, k: { value: 3 } },
    }) as const;
  const inputs = [input([1, 5]), input([1], 'int64', 'k')];

  it('is seeded, in range, told to be made up, and the same for any selection', async () => {
    const source = await folder.open(random(1), inputs);
    expect(source.synthetic).toBe(true);
    const { values } = await folder.read(random(1), inputs);
    expect(values['x']).toHaveLength(30);
    expect(values['x']!.every((value) => value >= -1 && value < 2)).toBe(true);
    expect(values['k']).toEqual([3, 3, 3, 3, 3, 3]);
    expect((await folder.read({ ...random(1), skip: 2 }, inputs)).values['x']).toEqual(
      values['x']!.slice(10),
    );
    expect((await folder.read(random(2), inputs)).values['x']).not.toEqual(values['x']);
  });

  it('needs a shape where the model leaves one open', async () => {
    const { code, hint } = await folder.failure(random(1), [input([1, 'n']), input([1], 'int64', 'k')]);
    expect(code).toBe('DATA_SHAPE');
    expect(hint).toContain('"shape"');
  });
});

describe('the names of inputs', () => {
  it('are suggested when they are misspelt, missed or ambiguous', async () => {
    const wrong = await folder.failure(
      { ...card, inputs: { imgae: { from: 'image' } } },
      input(['N', 3, 32, 32], 'float', 'image'),
    );
    expect(wrong.code).toBe('DATA_INPUT_NAME');
    expect(wrong.hint).toContain("'image'");
    const star = await folder.failure(card, [model, input([1], 'float', 'y')]);
    expect(star.message).toContain("'x', 'y'");
    const missed = await folder.failure({ ...card, inputs: { x: { from: 'image' } } }, [
      model,
      input([1], 'float', 'y'),
    ]);
    expect(missed.at.value).toBe('y');
  });
});
