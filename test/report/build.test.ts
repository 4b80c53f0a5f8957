import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packedBytes, type ReportDocument, reportDocument } from '@bitwright/analyze';
import { captureModel } from '@bitwright/capture';
import { detectDialect } from '@bitwright/dialects';
import { evaluateModels, explain, inspect, quantizeWithReport, sweep } from 'bitwright';
import { afterAll, beforeAll, expect, it } from 'vitest';

const fixture = (name: string) => fileURLToPath(new URL(`../../fixtures/mnist/${name}`, import.meta.url));
const MODEL = fixture('resnet8_ce.onnx');
const DATA = fixture('calibration.json');

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bitwright-report-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Quantizes the fixture, and reads the report's JSON twin, which must be as its schema says. */
async function reportAt(bits: string): Promise<ReportDocument> {
  const path = join(folder, `${bits}.html`);
  const options = { bits, scheme: 'integer-only', method: 'fast', data: DATA, samples: 64 } as const;
  await quantizeWithReport(MODEL, options, { path, command: 'bitwright quantize' });
  expect(readFileSync(path, 'utf8')).toMatch(/^<!doctype html>/);
  return reportDocument.parse(JSON.parse(readFileSync(join(folder, `${bits}.json`), 'utf8')));
}

it('measures every layer alone and with all before it', async () => {
  const [wide, narrow] = [await reportAt('W8A8'), await reportAt('W3A3')].map(
    (report) => report.models[0]!.variants[0]!,
  );
  const convs = wide!.layers.filter(({ opType }) => opType === 'Conv');
  expect(convs).toHaveLength(9);
  const [first] = convs;
  // nothing stands before the first layer
  expect(first!.isolated!).toBeCloseTo(first!.cumulative!, 1);
  for (const [i, layer] of wide!.layers.entries()) {
    const low = narrow!.layers[i]!;
    expect(low.name).toBe(layer.name);
    if (layer.cumulative != null) expect(low.cumulative!).toBeLessThan(layer.cumulative - 10);
    if (layer.weights)
      for (const [channel, sqnr] of layer.weights.sqnr.entries())
        expect(low.weights!.sqnr[channel]!).toBeLessThan(sqnr!);
  }
  const last = convs.at(-1)!;
  expect(last.cumulative!).toBeLessThan(last.isolated!);
});

it('counts values and codes of every quantized tensor, and says where the file is integer', async () => {
  const report = await reportAt('W4A4');
  const [model] = report.models;
  const [variant] = model!.variants;
  expect(report.reproduce.data).toEqual([{ role: 'calibration', name: DATA, samples: 64, synthetic: false }]);
  expect(model!.nodes.map(({ opType }) => opType)).toContain('Add');
  // the tensors that calibration observed; shared grids are seen at one of their tensors
  const observed = variant!.tensors.filter(({ codes }) => codes.length > 0);
  expect(observed.length).toBeGreaterThan(10);
  for (const tensor of observed) {
    const sum = (list: readonly number[]) => list.reduce((total, count) => total + count, 0);
    expect(tensor.codes).toHaveLength(16);
    expect(sum(tensor.counts) / sum(tensor.codes)).toBeCloseTo(1, 3);
    expect(tensor.low).toBeLessThanOrEqual(0);
  }
  expect(variant!.certificate!.integer).toBeGreaterThan(variant!.certificate!.total * 0.9);
  const size = (word: string) => variant!.sizes.find(({ storage }) => storage.includes(word))!.bytes;
  expect(size('packed') / size('float32')).toBeGreaterThan(1 / 8);
  expect(size('packed') / size('float32')).toBeLessThan(1 / 6);
});

it('explains every node: the patterns that were tried at it, and what stopped them', async () => {
  const report = await reportAt('W5A5');
  const [model] = report.models;
  const { nodes, rules, gone } = model!.explanations!;
  expect(nodes.map(({ name }) => name)).toEqual(model!.nodes.map(({ name }) => name));
  const conv = nodes[model!.nodes.findIndex(({ opType }) => opType === 'Conv')]!;
  const said = explain(MODEL, conv.name, { scheme: 'integer-only' });
  expect(conv.tables).toEqual([
    { backend: 'integer-only', entries: said.table.entries, nearest: said.nearest },
  ]);
  expect(conv.rules.length).toBeGreaterThan(3);
  expect(conv.rules.every(({ failed, rejection }) => failed !== undefined || rejection !== undefined)).toBe(
    true,
  );
  expect(rules.map(({ rule }) => rule)).toContain(conv.rules[0]!.rule);
  const captured = inspect(MODEL, { scheme: 'integer-only' }).nodes;
  const standing = captured.filter(({ becomes }) => becomes !== undefined);
  expect(gone).toHaveLength(captured.length - standing.length);
  for (const { name, becomes, code } of standing)
    if (code === 'FUSED')
      expect(nodes.find((node) => node.name === becomes)!.madeOf.map((source) => source.name)).toContain(
        name,
      );
});

it('tells inputs, channels and clipping, and what promoting a layer to 8 bits buys', async () => {
  const [variant] = (await reportAt('W3A3')).models[0]!.variants;
  const convs = variant!.layers.filter(({ opType }) => opType === 'Conv');
  for (const { weights, channels, isolated, inputNoise } of convs) {
    const sound = channels!.isolated!.filter((value): value is number => value !== null);
    expect(channels!.isolated).toHaveLength(weights!.sqnr.length);
    expect(channels!.cumulative).toHaveLength(weights!.sqnr.length);
    expect(Math.min(...sound)).toBeLessThanOrEqual(isolated!);
    expect(Math.max(...sound)).toBeGreaterThanOrEqual(isolated!);
    expect(inputNoise!.channels.isolated).toHaveLength(weights!.shape[1]!);
    // three bits: no weights and no inputs are much better than 6 dB a bit
    for (const value of [weights!.sqnrAll!, inputNoise!.isolated!]) {
      expect(value).toBeGreaterThan(5);
      expect(value).toBeLessThan(25);
    }
  }
  const clipped = variant!.tensors.flatMap(({ saturated }) => saturated ?? []);
  expect(clipped.length).toBeGreaterThan(5);
  expect(Math.max(...clipped)).toBeLessThan(0.5);
  expect(Math.max(...clipped)).toBeGreaterThan(0);
  const { promotions = [] } = variant!;
  expect(promotions).toHaveLength(3);
  const gains = promotions.map(({ before, after }) => after! - before!);
  expect(gains).toEqual([...gains].sort((a, b) => b - a));
  expect(gains[0]).toBeGreaterThan(0.1);
  for (const { layer, bytes } of promotions) {
    expect(convs.concat(variant!.layers).some(({ name }) => name === layer)).toBe(true);
    expect(bytes).toBeGreaterThan(0);
  }
});

it('has nothing to promote at 8 bits', async () => {
  expect((await reportAt('W8A8')).models[0]!.variants[0]!.promotions).toEqual([]);
});

it('plots the front of a budget, each point a model that runs where they are asked for', async () => {
  const path = join(folder, 'budget.html');
  const front = join(folder, 'front');
  const options = { bits: 'W4A8', scheme: 'integer-only', method: 'fast', data: DATA, samples: 32 } as const;
  const evaluation = JSON.parse(readFileSync(fixture('evaluation.json'), 'utf8'));
  const files = evaluation.files.map((name: string) => fixture(name));
  const result = await quantizeWithReport(
    MODEL,
    { ...options, budget: 'size=0.5', front, evaluation: { ...evaluation, files, take: 100 } },
    { path, command: 'bitwright quantize' },
  );
  const report = reportDocument.parse(JSON.parse(readFileSync(join(folder, 'budget.json'), 'utf8')));
  const { pareto } = report.models[0]!;
  const [chosen, ...points] = pareto;
  expect(chosen).toMatchObject({ label: 'size=0.5', mixed: true, total: 100 });
  const mixed = points.filter((point) => point.mixed);
  expect(mixed).toHaveLength(result.budget!.front.length);
  expect(mixed.length).toBeGreaterThan(5);
  expect(mixed.map(({ bytes }) => bytes)).toEqual(mixed.map(({ bytes }) => bytes).toSorted((a, b) => a - b));
  expect(mixed.at(-1)!.quality!).toBeGreaterThan(mixed[0]!.quality! + 20);
  const uniform = points.filter((point) => !point.mixed);
  expect(uniform.map(({ label }) => label)).toEqual([2, 3, 4, 5, 6, 7, 8].map((bits) => `all W${bits}`));
  // the ends of the front are the narrowest and the widest width everywhere
  for (const [end, width] of [
    [mixed[0]!, uniform[0]!],
    [mixed.at(-1)!, uniform.at(-1)!],
  ]) {
    expect(end!.bytes).toBe(width!.bytes);
    expect(end!.quality!).toBeCloseTo(width!.quality!, 1);
  }
  expect(result.front!.map(({ file }) => file)).toEqual(mixed.map(({ file }) => file));
  for (const point of [mixed[0]!, mixed[5]!]) {
    const written = join(front, point.file!);
    const [counted] = await evaluateModels([written], { data: fixture('evaluation.json'), samples: 100 });
    expect([point.correct, point.total]).toEqual([counted!.correct, 100]);
    // what the plot says of the size is what the file holds
    const lifted = captureModel(readFileSync(written));
    detectDialect(lifted)!.lift(lifted);
    expect(point.bytes).toBe(packedBytes(lifted));
  }
  await expect(quantizeWithReport(MODEL, { ...options, front }, { path, command: '' })).rejects.toMatchObject(
    { code: 'OPTION_MISSING', at: { option: '--budget' } },
  );
});

it('comes with a sweep, layer by layer for the files that are kept', async () => {
  const report = join(folder, 'sweep');
  await sweep([MODEL], {
    bits: '8,4',
    scheme: 'integer-only',
    method: 'fast',
    data: DATA,
    samples: 32,
    evaluation: fixture('evaluation.json'),
    evaluationSamples: 100,
    report,
    emit: join(folder, 'files'),
  });
  const document = reportDocument.parse(JSON.parse(readFileSync(join(report, 'report.json'), 'utf8')));
  expect(document.sweep!.runs.map(({ bits }) => bits)).toEqual(['W8A8', 'W4A4']);
  expect(document.models[0]!.variants.map(({ bits, accuracy }) => [bits, accuracy?.total])).toEqual([
    ['W8A8', 100],
    ['W4A4', 100],
  ]);
});
