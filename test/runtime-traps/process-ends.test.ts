import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ModelSketch, randomCodes, type SketchGrid } from '@bitwright/runtime';
import { afterAll, describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'bitwright-traps-'));
const runtime = pathToFileURL(createRequire(import.meta.url).resolve('onnxruntime-node')).href;

/** Feeds a model a ramp in a stock and in an unoptimised session and prints the largest difference and the largest value. */
const PROGRAM = `
const ort = (await import(${JSON.stringify(runtime)})).default;
const x = new ort.Tensor('float32', Float32Array.from({ length: 16 * 32 }, (_, i) => ((i * 37) % 101) / 25 - 1), [16, 32]);
const results = [];
for (const graphOptimizationLevel of ['all', 'disabled']) {
  const session = await ort.InferenceSession.create(process.argv[2], { graphOptimizationLevel, logSeverityLevel: 4 });
  results.push(Array.from((await session.run({ x })).y.data));
}
const [stock, right] = results;
const largest = (values) => values.reduce((a, b) => (Math.abs(b) <= a ? a : Math.abs(b)), 0);
console.log(JSON.stringify({ error: largest(stock.map((y, i) => y - right[i])), size: largest(right) }));
`;

afterAll(() => rmSync(folder, { recursive: true }));

interface Outcome {
  /** How the process ended: 0, or a code or signal. */
  readonly end: number | string;
  /** The largest error as a part of the largest value; NaN when there is none. */
  readonly error: number;
}

function runInChild(name: string, model: Uint8Array): Outcome {
  const [program, file] = [join(folder, 'program.mjs'), join(folder, `${name}.onnx`)];
  writeFileSync(program, PROGRAM);
  writeFileSync(file, model);
  const { status, signal, stdout } = spawnSync(process.execPath, [program, file], { encoding: 'utf8' });
  const printed = status === 0 ? (JSON.parse(stdout) as { error: number; size: number }) : undefined;
  return { end: signal ?? status ?? 'unknown', error: printed ? printed.error / printed.size : Number.NaN };
}

describe('what is only run in a process of its own', () => {
  it.each([
    ['int4', 'SIGABRT'],
    ['uint4', 'SIGABRT'],
    ['int2', 1],
    ['uint2', 1],
  ] as const)(
    'an %s output ends the process with %s; behind a DequantizeLinear it does not',
    (dtype, end) => {
      const grid: SketchGrid = { dtype, scale: 0.5, zeroPoint: 1 };
      const narrow = new ModelSketch(25);
      const codes = narrow.quantize(narrow.input([16, 32]), grid);
      expect(runInChild(`${dtype}-codes`, narrow.finish(codes, dtype)).end).toBe(end);

      const float = new ModelSketch(25);
      const values = float.fakeQuantize(float.input([16, 32]), grid);
      expect(runInChild(`${dtype}-values`, float.finish(values))).toEqual({ end: 0, error: 0 });
    },
  );

  it('a MatMul of a float input with 2-bit weights gives noise; with the weights hidden by a Sum it is exact', () => {
    const bytes = (hidden: boolean): Uint8Array => {
      const sketch = new ModelSketch(25);
      const codes = sketch.constant(randomCodes('int2', [32, 10], [-2, 1], 2));
      const scale = Array.from({ length: 10 }, () => 0.1);
      const weights = sketch.dequantize(codes, {
        dtype: 'int2',
        scale,
        zeroPoint: scale.map(() => 0),
        axis: 1,
      });
      return sketch.finish(
        sketch.op('MatMul', [sketch.input([16, 32]), hidden ? sketch.op('Sum', [weights]) : weights]),
      );
    };
    const { end, error } = runInChild('noise', bytes(false));
    expect(end !== 0 || !(error < 0.05)).toBe(true);
    expect(runInChild('hidden', bytes(true))).toEqual({ end: 0, error: 0 });
  });
});
