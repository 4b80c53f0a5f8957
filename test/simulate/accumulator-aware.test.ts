import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { captureModel } from '@bitwright/capture';
import { detectDialect } from '@bitwright/dialects';
import { type DotStep, interpret, lowerNetwork } from '@bitwright/simulate';
import { expect, test } from 'vitest';
import { bitwright, MNIST, temporaryFolder } from '../support/cli.js';

const folder = temporaryFolder();

interface Proof {
  readonly bits: number;
  readonly layers: { readonly name: string; readonly low: number[]; readonly high: number[] }[];
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
  const module = captureModel(readFileSync(output), { name: output });
  const proof = JSON.parse(module.metadataProps.get('bitwright.accumulators')!) as Proof;
  expect(proof.bits).toBe(10);
  detectDialect(module)!.lift(module);
  const hardware = { name: 'narrow', accumulator: { bits: 10, overflow: 'error', at: 'mac' } } as const;
  const network = lowerNetwork(module, { hardware });
  let tightest = 0;
  for (const step of network.steps) {
    if (step.kind !== 'dot') continue;
    const { low, high } = proof.layers.find(({ name }) => name === step.name)!;
    for (let o = 0; o < step.outputs; o++) {
      // the proof is reached, so it is no looser than it has to be
      expect(sumOf(step, o, 1)).toBe(high[o]);
      expect(sumOf(step, o, -1)).toBe(low[o]);
      tightest = Math.max(tightest, high[o]!, -low[o]!);
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
