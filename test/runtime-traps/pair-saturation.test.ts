import { type DType, integerData, type Tensor } from '@bitwright/core';
import { predictPairSaturation } from '@bitwright/dialects';
import { codeTensor, ModelSketch, openOrtNode, randomCodes } from '@bitwright/runtime';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

/**
 * Trap 3 proved by arithmetic, so that the proof doesn't depend on the CPU that runs it: VPMADDUBSW adds two adjacent
 * u8 x s8 products in 16 bits that saturate; the pairs' sums are then added in 32 bits.
 */
function pairwise(activations: ArrayLike<number>, weights: ArrayLike<number>): number {
  let sum = 0;
  for (let k = 0; k < weights.length; k += 2) {
    const pair = activations[k]! * weights[k]! + (activations[k + 1] ?? 0) * (weights[k + 1] ?? 0);
    sum += Math.min(32767, Math.max(-32768, pair));
  }
  return sum;
}

function exact(activations: ArrayLike<number>, weights: ArrayLike<number>): number {
  let sum = 0;
  for (let k = 0; k < weights.length; k++) sum += activations[k]! * weights[k]!;
  return sum;
}

describe('u8 x s8 in pairs of 16 bits', () => {
  it('saturates for full-range codes, and not for 7-bit weights or 7-bit activations', () => {
    expect(pairwise([255, 255], [127, 127])).toBe(32767);
    expect(exact([255, 255], [127, 127])).toBe(64770);
    expect(pairwise([255, 255], [-128, -128])).toBe(-32768);
    expect(pairwise([255, 255], [-64, -64])).toBe(-32640);
    expect(pairwise([127, 127], [-128, -128])).toBe(-32512);
  });

  it('is exact wherever the prediction says safe, whatever the activations and the order of the weights', () => {
    const layer = fc.record({
      codes: fc.array(fc.integer({ min: -128, max: 127 }), { minLength: 2, maxLength: 24 }),
      largest: fc.integer({ min: 1, max: 255 }),
      inputs: fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 24, maxLength: 24 }),
    });
    fc.assert(
      fc.property(layer, ({ codes, largest, inputs }) => {
        const activations = inputs.map((input) => Math.min(input, largest));
        const safe = predictPairSaturation(Int32Array.from(codes), largest).safe;
        if (safe) expect(pairwise(activations, codes)).toBe(exact(activations, codes));
      }),
    );
  });

  it('saturates for some input wherever the prediction says it could', () => {
    const pair = fc.tuple(fc.integer({ min: -128, max: 127 }), fc.integer({ min: -128, max: 127 }));
    fc.assert(
      fc.property(pair, fc.integer({ min: 1, max: 255 }), (codes, largest) => {
        const worst = [
          codes.map((code) => (code > 0 ? largest : 0)),
          codes.map((code) => (code < 0 ? largest : 0)),
        ];
        const wrong = worst.some((inputs) => pairwise(inputs, codes) !== exact(inputs, codes));
        expect(predictPairSaturation(Int32Array.from(codes), largest).safe).toBe(!wrong);
      }),
    );
  });
});

describe('MatMulInteger on this machine', () => {
  const [rows, inner, columns] = [8, 64, 8];

  it('u8 x s8 gives either the exact sums or those of saturated pairs, and nothing else', async () => {
    const { a, b, result } = await multiply('uint8', 'int8');
    const exactly = expected(a, b, exact);
    const inPairs = expected(a, b, pairwise);
    expect(inPairs).not.toEqual(exactly);
    expect([exactly, inPairs]).toContainEqual(result);
  });

  it.each([
    ['uint8', 'uint8'],
    ['int8', 'int8'],
    ['int8', 'uint8'],
  ] as const)('%s x %s is exact', async (left, right) => {
    const { a, b, result } = await multiply(left, right);
    expect(result).toEqual(expected(a, b, exact));
  });

  async function multiply(left: DType, right: DType): Promise<{ a: Tensor; b: Tensor; result: number[] }> {
    const a = randomCodes(left, [rows, inner], rangeOf(left), 5);
    const b = randomCodes(right, [inner, columns], rangeOf(right), 6);
    const sketch = new ModelSketch();
    const bytes = sketch.finish(
      sketch.op('MatMulInteger', [sketch.input(a.dims, left), sketch.constant(b)]),
      'int32',
    );
    const executor = await openOrtNode(bytes, { threads: 1 });
    const results = await executor.run(new Map([['x', codeTensor(left, a.dims, integerData(a))]]));
    await executor.release();
    return { a, b, result: integerData(results.get('y')!) };
  }

  function expected(a: Tensor, b: Tensor, dot: typeof exact): number[] {
    const [left, right] = [integerData(a), integerData(b)];
    return Array.from({ length: rows * columns }, (_, i) => {
      const row = left.slice(Math.floor(i / columns) * inner, (Math.floor(i / columns) + 1) * inner);
      return dot(
        row,
        right.filter((_, k) => k % columns === i % columns),
      );
    });
  }
});

function rangeOf(dtype: DType): readonly [number, number] {
  return dtype === 'uint8' ? [0, 255] : [-128, 127];
}
