import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { captureModel } from '@bitwright/capture';
import { detectDialect } from '@bitwright/dialects';
import { emitBytes } from '@bitwright/emit';
import { type DotStep, interpret, lowerNetwork } from '@bitwright/simulate';
import { modelBuilder } from '@bitwright/testing';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { bitwright, MNIST, temporaryFolder } from '../support/cli.js';

const folder = temporaryFolder();

interface Proof {
  readonly model: string;
  readonly sha256: string;
  readonly accumulatorBits: number;
  readonly holds: boolean;
  readonly layers: {
    readonly name: string;
    readonly terms: number;
    readonly channels: { l1: number; least: number; greatest: number; bits: number; holds: boolean }[];
  }[];
  readonly unproven: unknown[];
}

const schema = z.fromJSONSchema(
  JSON.parse(
    readFileSync(new URL('../../docs/reference/accumulators.schema.json', import.meta.url), 'utf8'),
  ) as Parameters<typeof z.fromJSONSchema>[0],
);

/** The proof beside a model, which keeps to its published schema and is of that model. */
function proofOf(model: string): Proof {
  const proof = schema.parse(
    JSON.parse(readFileSync(model.replace('.onnx', '.accumulators.json'), 'utf8')),
  ) as Proof;
  expect(proof.model).toBe(basename(model));
  expect(proof.sha256).toBe(createHash('sha256').update(readFileSync(model)).digest('hex'));
  return proof;
}

/** The input window that gives one output its largest (or least) sum: each code as far on the weight's side as it goes. */
function adversary(step: DotStep, output: number, sign: 1 | -1): { dims: number[]; data: Int32Array } {
  const kernel = step.window?.kernel ?? [];
  const zero = step.weightZeroPoint[step.weightZeroPoint.length === 1 ? 0 : output]!;
  const perGroup = step.outputs / step.groups;
  const group = Math.floor(output / perGroup);
  const data = new Int32Array(step.depth * step.groups).fill(step.inputGrid.zeroPoint);
  for (let k = 0; k < step.depth; k++) {
    const weight = sign * (step.weights[output * step.depth + k]! - zero);
    data[group * step.depth + k] = weight > 0 ? step.inputGrid.max : step.inputGrid.min;
  }
  const taps = kernel.reduce((product, size) => product * size, 1);
  return { dims: step.window ? [1, (step.depth * step.groups) / taps, ...kernel] : [1, step.depth], data };
}

/** The l1 norm of an output's weight codes, their zero point taken off. */
function l1Of({ weights, weightZeroPoint, depth }: DotStep, output: number): number {
  const zero = weightZeroPoint[weightZeroPoint.length === 1 ? 0 : output]!;
  return weights
    .slice(output * depth, (output + 1) * depth)
    .reduce((sum, code) => sum + Math.abs(code - zero), 0);
}

function sumOf(step: DotStep, output: number, sign: 1 | -1): number {
  const window = step.window && { ...step.window, pads: step.window.pads.map(() => 0) };
  const alone: DotStep = { ...step, ...(window && { window }) };
  const network = { inputs: [], outputs: [], steps: [alone], float: [], opset: 17, irVersion: 8 };
  const run = interpret(network, new Map([[step.input, adversary(step, output, sign)]]));
  return run.accumulators.get(step.output)!.data[output]!;
}

test.each(['fast', 'balanced'])('--accumulator-bits with the method %s: no input overflows', (method) => {
  const output = join(folder, `${method}.onnx`);
  const made = bitwright(
    ...['quantize', join(MNIST, 'resnet8_ce.onnx'), '-o', output, '--bits', 'W4A4', '--method', method],
    ...['--scheme', 'integer-only', '--accumulator-bits', '10', '--data', join(MNIST, 'calibration.json')],
    ...['--samples', '64'],
  );
  expect(made.code, made.stderr).toBe(0);
  expect(made.stdout).toContain('no input overflows 10 bits in 10 layers');
  const proof = proofOf(output);
  expect(proof).toMatchObject({ accumulatorBits: 10, holds: true, unproven: [] });
  const module = captureModel(readFileSync(output), { name: output });
  detectDialect(module)!.lift(module);
  const hardware = { name: 'narrow', accumulator: { bits: 10, overflow: 'error', at: 'mac' } } as const;
  const network = lowerNetwork(module, { hardware });
  let tightest = 0;
  for (const step of network.steps) {
    if (step.kind !== 'dot') continue;
    const { terms, channels } = proof.layers.find(({ name }) => name === step.name)!;
    expect([terms, channels.length]).toEqual([step.depth, step.outputs]);
    for (const [o, { l1, least, greatest, bits, holds }] of channels.entries()) {
      expect(l1).toBe(l1Of(step, o));
      // the proof is reached, so it is no looser than it has to be
      expect(sumOf(step, o, 1)).toBe(greatest);
      expect(sumOf(step, o, -1)).toBe(least);
      expect(Math.max(greatest, -least - 1)).toBeLessThan(2 ** (bits - 1));
      expect(Math.max(greatest, -least - 1)).toBeGreaterThanOrEqual(2 ** (bits - 2));
      expect(holds).toBe(true);
      tightest = Math.max(tightest, greatest, -least);
    }
  }
  expect(tightest).toBeLessThanOrEqual(512);
  expect(tightest).toBeGreaterThan(400);
  const simulated = bitwright(
    ...[
      'simulate',
      output,
      '--hardware',
      'fpga-narrow-accumulator',
      '--eval',
      join(MNIST, 'evaluation.json'),
    ],
    ...['--samples', '100', '--json'],
  );
  const { layers } = simulated.json<{
    layers: { overflows: number; accumulatorBits: { worstCase: number } }[];
  }>();
  for (const layer of layers) expect(layer.overflows).toBe(0);
});

test('a width that no accumulator has is wrong usage', () => {
  const result = bitwright(
    ...['quantize', join(MNIST, 'resnet8_ce.onnx'), '-o', join(folder, 'x.onnx'), '--bits', '8'],
    ...['--accumulator-bits', '2', '--data', join(MNIST, 'calibration.json'), '--json'],
  );
  expect(result.code).toBe(2);
  expect(result.json<{ error: { code: string } }>().error.code).toBe('OPTION_VALUE');
});

test('what nothing is proved of is listed, and --json tells where the proof lies', () => {
  const module = modelBuilder((m) => {
    const x = m.op('MatMul', [m.input('x', [1, 4, 8]), m.random('w', [8, 8])], {}, 'projected');
    return m.op('MatMul', [x, m.op('Transpose', [x], { perm: [0, 2, 1] })], {}, 'scores');
  });
  const model = join(folder, 'attention.onnx');
  writeFileSync(model, emitBytes(module));
  const card = join(folder, 'card.json');
  const uniform = { distribution: 'uniform', low: -1, high: 1 };
  writeFileSync(card, JSON.stringify({ format: 'random', samples: 4, inputs: { '*': uniform } }));
  const output = join(folder, 'attention.w4a4.onnx');
  const made = bitwright(
    ...['quantize', model, '-o', output, '--bits', 'W4A4', '--method', 'fast', '--scheme', 'integer-only'],
    ...['--accumulator-bits', '12', '--data', card, '--json', '--report', join(folder, 'attention.html')],
  );
  expect(made.code, made.stderr).toBe(0);
  const { accumulators, diagnostics } = made.json<{
    accumulators: Record<string, unknown>;
    diagnostics: { code: string; at: { node: string } }[];
  }>();
  const file = output.replace('.onnx', '.accumulators.json');
  expect(accumulators).toEqual({ file, accumulatorBits: 12, holds: true, layers: 1, unproven: 1 });
  const { layers, unproven } = proofOf(output);
  expect(layers.map(({ name }) => name)).toEqual(['projected']);
  expect(unproven).toEqual([
    { name: 'scores', opType: 'MatMul', reason: 'its second operand is no constant' },
  ]);
  const [warning] = diagnostics.filter(({ code }) => code === 'ACCUMULATOR_UNBOUNDED');
  expect(warning?.at.node).toBe('scores');
});

test('neither model nor proof is written where the proof cannot be', () => {
  const output = join(folder, 'blocked.onnx');
  mkdirSync(join(folder, 'blocked.accumulators.json'));
  const made = bitwright(
    ...['quantize', join(MNIST, 'resnet8_ce.onnx'), '-o', output, '--bits', 'W4A4', '--method', 'fast'],
    ...['--accumulator-bits', '12', '--data', join(MNIST, 'calibration.json'), '--samples', '16', '--json'],
  );
  expect(made.code).toBe(1);
  expect(made.json<{ error: { code: string } }>().error.code).toBe('OUTPUT_UNWRITABLE');
  expect(existsSync(output)).toBe(false);
});
