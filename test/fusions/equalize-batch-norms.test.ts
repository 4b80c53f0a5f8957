import { floatData } from '@bitwright/core';
import { equalizeBatchNorms } from '@bitwright/fusions';
import { constantTensor, type GraphModule, lint, type OpNode, type Value } from '@bitwright/graph';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Constants, floatModel, largestDifference, randomInput, run } from './support.js';

const CHANNELS = 6;

interface Layers {
  readonly relu: boolean;
  readonly bias: boolean;
  readonly pool: boolean;
  readonly behind: 'depthwise' | 'dense' | 'grouped';
  readonly seed: number;
}

/** Conv, perhaps Relu, BatchNormalization, perhaps MaxPool, Conv. */
function layers({ relu, bias, pool, behind, seed }: Layers): GraphModule {
  return floatModel([2, 3, 9, 9], (graph, x) => {
    const constants = new Constants(graph, seed);
    const op = (opType: string, inputs: Value[], attributes = {}): Value =>
      graph.createOp({ opType, inputs, attributes }).output;
    let y = op('Conv', [
      x,
      constants.float('w1', [CHANNELS, 3, 3, 3]),
      ...(bias ? [constants.float('b1', [CHANNELS])] : []),
    ]);
    if (relu) y = op('Relu', [y]);
    y = op('BatchNormalization', [y, ...constants.batchNorm(CHANNELS)]);
    if (pool) y = op('MaxPool', [y], { kernel_shape: [2, 2] });
    const group = { depthwise: CHANNELS, dense: 1, grouped: 2 }[behind];
    const w2 = constants.float('w2', [CHANNELS, CHANNELS / group, 3, 3]);
    return op('Conv', [y, w2], { group, pads: [1, 1, 1, 1] });
  });
}

function node(module: GraphModule, opType: string, index = 0): OpNode {
  return [...module.graph.ops()].filter((op) => op.opType === opType)[index]!;
}

const values = (op: OpNode, index: number): Float32Array => floatData(constantTensor(op.inputs[index]!)!);

/** |beta| + 5 |gamma| of each channel. */
const ranges = (bn: OpNode): number[] =>
  Array.from(values(bn, 1), (gamma, c) => Math.abs(values(bn, 2)[c]!) + 5 * Math.abs(gamma));

const spread = (numbers: readonly number[]): number => Math.max(...numbers) / Math.min(...numbers);

describe('the equalization of channels around batch normalizations', () => {
  test('changes no output', async () => {
    const shapes = fc.record({
      relu: fc.boolean(),
      bias: fc.boolean(),
      pool: fc.boolean(),
      behind: fc.constantFrom('depthwise', 'dense', 'grouped'),
      seed: fc.nat(1000),
    });
    await fc.assert(
      fc.asyncProperty(shapes, async (shape) => {
        const before = layers(shape as Layers);
        const after = before.clone();
        const changed = equalizeBatchNorms(after);
        lint(after);
        expect(changed).toHaveLength(shape.behind === 'grouped' && !shape.relu ? 0 : 1);
        const feeds = { x: randomInput([2, 3, 9, 9], shape.seed) };
        expect(largestDifference(await run(before, feeds), await run(after, feeds))).toBeLessThan(5e-6);
      }),
      { numRuns: 25 },
    );
  });

  test('gives every channel in front of a depthwise convolution the same stated range', () => {
    const module = layers({ relu: false, bias: true, pool: true, behind: 'depthwise', seed: 3 });
    expect(spread(ranges(node(module, 'BatchNormalization')))).toBeGreaterThan(1.5);
    equalizeBatchNorms(module);
    expect(spread(ranges(node(module, 'BatchNormalization')))).toBeCloseTo(1, 4);
    expect(equalizeBatchNorms(module)).toHaveLength(1);
    expect(spread(ranges(node(module, 'BatchNormalization')))).toBeCloseTo(1, 4);
  });

  test('gives every channel between a Relu and its normalization the same range', () => {
    const module = layers({ relu: true, bias: true, pool: false, behind: 'depthwise', seed: 4 });
    const between = (): number[] => {
      const bn = node(module, 'BatchNormalization');
      return ranges(bn).map(
        (range, c) => range / (Math.abs(values(bn, 1)[c]!) / Math.sqrt(values(bn, 4)[c]! + 1e-5)),
      );
    };
    expect(spread(between())).toBeGreaterThan(1.5);
    const weights = values(node(module, 'Conv'), 1).slice();
    equalizeBatchNorms(module);
    const scaled = values(node(module, 'Conv'), 1);
    const factor = (c: number): number => scaled[c * 27]! / weights[c * 27]!;
    // a row of weights is scaled by one factor, and the normalization undoes it
    for (let c = 0; c < CHANNELS; c++)
      for (let i = 0; i < 27; i++)
        expect(scaled[c * 27 + i]! / weights[c * 27 + i]!).toBeCloseTo(factor(c), 3);
    expect(spread(Array.from({ length: CHANNELS }, (_, c) => factor(c)))).toBeGreaterThan(1.5);
  });

  test('leaves parameters that others read to the others', () => {
    const module = layers({ relu: false, bias: false, pool: false, behind: 'dense', seed: 5 });
    const { graph } = module;
    const bn = node(module, 'BatchNormalization');
    const gamma = bn.inputs[1]!;
    const held = values(bn, 1).slice();
    const other = graph.createOp({ opType: 'Identity', name: 'other', inputs: [gamma] });
    graph.setOutputs([node(module, 'Conv', 1).output, other.output]);
    equalizeBatchNorms(module);
    expect(floatData(constantTensor(other.inputs[0]!)!)).toEqual(held);
    expect(values(bn, 1)).not.toEqual(held);
  });

  test('leaves a normalization alone whose result something else reads', () => {
    const module = layers({ relu: false, bias: false, pool: false, behind: 'depthwise', seed: 6 });
    const { graph } = module;
    const bn = node(module, 'BatchNormalization');
    const other = graph.createOp({ opType: 'Relu', name: 'other', inputs: [bn.outputs[0]!] });
    graph.setOutputs([node(module, 'Conv', 1).output, other.output]);
    expect(equalizeBatchNorms(module)).toEqual([]);
  });
});
