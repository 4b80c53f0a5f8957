import { findBackend } from '@bitwright/backends';
import { type BitwrightError, seededRandom } from '@bitwright/core';
import type { SampleSource } from '@bitwright/data';
import { printModule } from '@bitwright/graph';
import { openOrtNode } from '@bitwright/runtime';
import { describe, expect, it } from 'vitest';
import { model, QCONFIG, resolverOf } from '../../test/prepared-model.js';
import { sampleData } from '../../test/sample-data.js';
import { planLayers } from '../layer-plan.js';
import type { QConfigMapping } from '../qconfig.js';
import { parseBudget } from './budget.js';
import { chooseWidths, type NamesMapping } from './choose-widths.js';
import type { LatencyTable } from './latency-table.js';
import { costText, packedBytes } from './layer-costs.js';

function numbers(count: number, seed: number): string {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => (random() - 0.5).toFixed(4)).join(',');
}

const NET = `g (float[N,3,8,8] x) => (float[N,5] y)
  <float[6,3,3,3] w1 = {${numbers(162, 1)}}, float[6,1,3,3] w2 = {${numbers(54, 3)}}, float[4,6,1,1] w3 = {${numbers(24, 5)}},
   float[4,3,2,2] w4 = {${numbers(48, 6)}}, float[5,3] w5 = {${numbers(15, 7)}}, float[5,5] w6 = {${numbers(25, 8)}}>
  { [first] c1 = Conv<pads=[1,1,1,1], strides=[2,2]>(x, w1)
    [depthwise] c2 = Conv<group=6, pads=[1,1,1,1]>(c1, w2)
    [point] c3 = Conv(c2, w3)
    [up] c4 = ConvTranspose<strides=[2,2]>(c3, w4)
    p = GlobalAveragePool(c4)
    f = Flatten(p)
    [gemm] g1 = Gemm<transB=1>(f, w5)
    [product] y = MatMul(g1, w6) }`;
const SIZES = { first: 162, depthwise: 54, point: 24, up: 48, gemm: 15, product: 25 };
const MACS = { first: 162 * 16, depthwise: 54 * 16, point: 24 * 16, up: 48 * 16, gemm: 15, product: 25 };

function samples(count: number): SampleSource {
  return sampleData(count, [3, 8, 8], (first, length) =>
    Float32Array.from({ length }, seededRandom(first + 1)),
  );
}

interface Choices {
  readonly mapping?: QConfigMapping;
  readonly backend?: string;
  readonly count?: number;
  readonly body?: string;
  readonly latencies?: LatencyTable;
}

function choose(
  budget: string,
  { mapping = {}, backend = 'integer-only', count = 5, body = NET, latencies }: Choices = {},
) {
  const module = model(body);
  const before = printModule(module);
  const report = chooseWidths(module, {
    budget: parseBudget(budget),
    backend: findBackend(backend),
    widths: [2, 3, 4, 5, 6, 7, 8],
    resolverFor: (weights) => resolverOf({ config: { weights }, mapping }),
    base: QCONFIG,
    open: openOrtNode,
    data: samples(count),
    memory: 2 ** 30,
    ...(latencies && { latencies }),
  });
  return report.finally(() => expect(printModule(module)).toBe(before));
}

/** Widths that layers get when a mapping goes through the ordinary resolver. */
function widthsBy(mapping: NamesMapping): Record<string, number> {
  const resolver = resolverOf({ mapping });
  const { layers } = planLayers(model(NET).graph, findBackend('integer-only'), resolver);
  return Object.fromEntries(
    layers
      .filter(({ weightInput }) => weightInput !== undefined)
      .map(({ anchor, config }) => [anchor.displayName, config.weights]),
  );
}

const bytesOf = (widths: Record<string, number>): number =>
  Object.entries(SIZES).reduce((sum, [name, weights]) => sum + packedBytes(weights, widths[name]!), 0);

it('keeps a budget of size by the arithmetic of the widths that its mapping gives', async () => {
  const report = await choose('size=0.6');
  const eightBit = Object.values(SIZES).reduce((sum, size) => sum + size, 0);
  expect(report).toMatchObject({ kind: 'size', unit: 'bytes', eightBit, limit: 0.6 * eightBit, samples: 5 });
  expect(report.reached).toBeLessThanOrEqual(report.limit);
  expect(report.reached).toBe(bytesOf(widthsBy(report.mapping)));
  expect(report.reached).toBeGreaterThan(report.smallest);
  for (const point of report.front) expect(point.cost).toBe(bytesOf(widthsBy(point.mapping)));
  expect(report.front[0]!.cost).toBe(report.smallest);
});

it('counts multiplications of every kind of layer', async () => {
  const report = await choose('bops=0.5');
  expect(Object.fromEntries(report.layers.map(({ name, macs }) => [name, macs]))).toEqual(MACS);
  const bops = report.layers.reduce((sum, { macs, bits }) => sum + macs * bits * QCONFIG.activations, 0);
  expect(report.reached).toBe(bops);
  expect(bops).toBeLessThanOrEqual(0.5 * report.eightBit);
});

it('measures less error the wider the weights', async () => {
  const { layers } = await choose('size=0.5');
  for (const { sensitivity } of layers) {
    expect(Object.keys(sensitivity)).toEqual(['2', '3', '4', '5', '6', '7', '8']);
    expect(sensitivity['8']!).toBeGreaterThan(0);
    expect(sensitivity['4']!).toBeLessThan(sensitivity['2']!);
    expect(sensitivity['8']!).toBeLessThan(sensitivity['4']!);
  }
});

it('measures what the chosen widths lose together, layer by layer', async () => {
  const { layers } = await choose('size=0.5');
  const [first, second] = layers;
  // nothing is rounded before the first layer
  expect(first!.cumulative / first!.sensitivity[String(first!.bits)]!).toBeCloseTo(1, 4);
  expect(second!.cumulative).not.toBeCloseTo(second!.sensitivity[String(second!.bits)]!, 6);
  const [narrow, wide] = [(await choose('size=0.3')).layers, (await choose('size=1')).layers];
  for (const [i, { cumulative }] of narrow.entries()) expect(cumulative).toBeGreaterThan(wide[i]!.cumulative);
  expect(wide.at(-1)!.cumulative).toBeGreaterThan(0);
});

it('leaves what a mapping or the table fixes, and counts it', async () => {
  const mapping: QConfigMapping = { names: { point: 'W7A4' }, opTypes: { Gemm: 'float' }, last: 'W8A4' };
  const report = await choose('size=0.5', { mapping });
  expect(report.layers.map(({ name, fixed }) => [name, fixed])).toEqual([
    ['first', false],
    ['depthwise', false],
    ['point', true],
    ['up', false],
    ['product', true],
  ]);
  expect(report.layers.find(({ name }) => name === 'point')!.bits).toBe(7);
  expect(Object.keys(report.mapping.names)).toEqual(['first', 'depthwise', 'up']);
  const academic = await choose('size=0.9', { backend: 'academic' });
  expect(academic.layers.filter(({ fixed }) => fixed).map(({ name, bits }) => [name, bits])).toEqual([
    ['first', 8],
    ['product', 8],
  ]);
});

it('keeps the other choices of a layer that has its own', async () => {
  const mapping: QConfigMapping = { names: { up: { granularity: 'per-tensor' } } };
  const { mapping: chosen } = await choose('size=1', { mapping });
  expect(chosen.names.up).toMatchObject({ bits: 'W8A4', granularity: 'per-tensor', weights: 'symmetric' });
  expect(chosen.names.first).toBe('W8A4');
});

it('names the smallest cost of an impossible budget', async () => {
  const smallest = bytesOf(Object.fromEntries(Object.keys(SIZES).map((name) => [name, 2])));
  await expect(choose('size=0.2')).rejects.toMatchObject({
    code: 'BUDGET_IMPOSSIBLE',
    kind: 'budget',
    hint: expect.stringContaining(`size=${smallest}`),
  });
  expect((await choose(`size=${smallest}`)).reached).toBe(smallest);
});

it('refuses a model without float outputs, and data without samples', async () => {
  const body = NET.replace('float[N,5] y', 'int64[N,1] z').replace(/}$/, ' z = ArgMax<axis=1>(y) }');
  await expect(choose('size=0.5', { body })).rejects.toMatchObject({ code: 'BUDGET_NO_FLOAT_OUTPUT' });
  await expect(choose('size=0.5', { count: 0 })).rejects.toMatchObject({ code: 'CALIBRATION_NO_SAMPLES' });
});

describe('a budget of latency', () => {
  // a device with multipliers of 8, 4 and 2 bits; times of the first layer were measured
  const latencies: LatencyTable = {
    layers: { 'fir*': { 8: 4, 4: 3, W2A4: 2.5, 2: 99 } },
    operators: {
      '*': { fixed: 0.125, perMillionMacs: { 8: 1000, 4: 500, 2: 250 } },
      MatMul: { perMillionMacs: { 8: 2000 } },
    },
  };
  const rest = (macs: number, bits: number): number => 0.125 + (macs / 1e6) * 1000 * (bits / 8);
  const timeOf = ({ name, macs, bits }: { name: string; macs: number; bits: number }): number => {
    if (name === 'first') return { 8: 4, 4: 3, 2: 2.5 }[bits]!;
    return name === 'product' ? (macs / 1e6) * 2000 : rest(macs, bits);
  };

  it('adds up what the table says, at the widths that it has', async () => {
    const report = await choose('latency=0.7', { latencies });
    expect(report).toMatchObject({ kind: 'latency', unit: 'ms' });
    for (const { name, bits } of report.layers)
      expect(name === 'product' ? [8] : [2, 4, 8], name).toContain(bits);
    const time = report.layers.reduce((sum, layer) => sum + timeOf(layer), 0);
    expect(report.reached).toBeCloseTo(time, 9);
    expect(report.reached).toBeLessThanOrEqual(0.7 * report.eightBit);
    expect(report.eightBit).toBeCloseTo(
      report.layers.reduce((sum, layer) => sum + timeOf({ ...layer, bits: 8 }), 0),
      9,
    );
    expect(
      (await choose(`latency=${report.eightBit + 1}ms`, { latencies })).layers.map(({ bits }) => bits),
    ).toEqual([8, 8, 8, 8, 8, 8]);
  });

  it('takes the width that loses least of those that take the same time', async () => {
    const flat = Object.fromEntries([2, 3, 4, 5, 6, 7, 8].map((bits) => [bits, bits > 4 ? 2 : 1]));
    const { layers } = await choose('latency=0.5', { latencies: { layers: { '*': flat } } });
    expect(layers.map(({ bits }) => bits)).toEqual([4, 4, 4, 4, 4, 4]);
  });

  it('names a layer without a time', async () => {
    const { operators } = latencies;
    const { MatMul } = operators!;
    await expect(
      choose('latency=0.5', { latencies: { operators: { MatMul: MatMul! } } }),
    ).rejects.toMatchObject({
      code: 'LATENCY_MISSING',
      at: { node: 'first' },
    });
    const mapping: QConfigMapping = { names: { point: 'W7A4' } };
    await expect(choose('latency=0.5', { latencies, mapping })).rejects.toMatchObject({
      code: 'LATENCY_MISSING',
      at: { node: 'point' },
      message: expect.stringContaining('7-bit weights'),
    });
  });

  it('names a smallest time that can be kept', async () => {
    const missed = await choose('latency=1us', { latencies }).catch((thrown: BitwrightError) => thrown);
    expect(missed).toMatchObject({ code: 'BUDGET_IMPOSSIBLE' });
    const [, smallest] = /latency=([\d.]+ms)/.exec((missed as BitwrightError).hint)!;
    expect((await choose(`latency=${smallest}`, { latencies })).kind).toBe('latency');
    for (const cost of [1.23444, 0.000123444, 12344.4, 1000]) {
      expect(Number(costText('latency', cost, 'up'))).toBeGreaterThanOrEqual(cost);
      expect(Number(costText('latency', cost, 'up'))).toBeLessThan(cost * 1.001);
      expect(Number(costText('latency', cost))).toBeLessThanOrEqual(cost);
    }
  });
});
