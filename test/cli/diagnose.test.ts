import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { emitBytes } from '@bitwright/emit';
import { parseModule } from '@bitwright/graph';
import { expect, it } from 'vitest';
import { bitwright, MNIST, temporaryFolder } from '../support/cli.js';

interface Told {
  readonly diagnostics: readonly { code: string; severity: string; at: { node?: string } }[];
}

const folder = temporaryFolder();
const fine = join(MNIST, 'resnet8_ce.onnx');
const evaluation = join(MNIST, 'evaluation.json');

function write(name: string, body: string): string {
  const file = join(folder, name);
  const module = parseModule(`<ir_version: 8, opset_import: ["": 17]>
    g (float["N", 1, 28, 28] image) => (float["N", 10] y)
    <float s = {0.03}, float t = {0.05}, uint8 z = {128}, float[10] b = {0, 0, 0, 9, 0, 0, 0, 0, 0, 0}>
    { ${body} }`);
  writeFileSync(file, emitBytes(module));
  return file;
}

/** A layer whose weights are all zero. */
function gemm(input: string): string {
  return `sizes = Constant <value_ints=[10, 784]> () w = ConstantOfShape(sizes) y = Gemm <transB=1> (${input}, w, b)`;
}

/** A network that answers 3 whatever it sees. */
const constant = write('constant.onnx', `f = Flatten(image) ${gemm('f')}`);

const codes = (told: Told): string[] => told.diagnostics.map(({ code, severity }) => `${severity} ${code}`);

it('evaluate tells a constant answer, and accuracy of guessing beside a float model that is fine', () => {
  const run = bitwright(
    ...['evaluate', constant, fine, '--data', evaluation, '--samples', '500'],
    ...['--reference', fine, '--json'],
  );
  // the count is what was asked for, and it is there
  expect(run.code, run.stderr).toBe(0);
  const [broken, good] = run.json<{ models: Told[] }>().models;
  expect(codes(broken!)).toEqual(['error E-CHANCE', 'error E-CONST']);
  expect(codes(good!)).toEqual([]);
});

it('quantize --eval tells that the float model guesses before anything is quantized', () => {
  const run = bitwright(
    ...['quantize', constant, '-o', join(folder, 'out.onnx'), '--bits', '8', '--method', 'fast'],
    ...['--data', join(MNIST, 'calibration.json'), '--samples', '32', '--eval', evaluation],
  );
  expect(run.code, run.stderr).toBe(0);
  expect(run.stderr.split('W-FP32-FIRST')).toHaveLength(2);
  expect(run.stderr.indexOf('W-FP32-FIRST')).toBeLessThan(run.stderr.indexOf('E-CHANCE'));
});

it('inspect and certify tell the mistakes of files of other tools', () => {
  const twice = write(
    'twice.onnx',
    `a = QuantizeLinear(image, s, z) c = DequantizeLinear(a, s, z) f = Flatten(c)
     [again] d = QuantizeLinear(f, t, z) e = DequantizeLinear(d, t, z)
     ${gemm('e')}`,
  );
  const inspected = bitwright('inspect', twice, '--json').json<Told>();
  expect(codes(inspected)).toContain('warning W-DOUBLE-QDQ');
  expect(codes(bitwright('certify', twice, '--json').json<Told>())).toEqual(codes(inspected));
  expect(bitwright('inspect', twice).stderr).toContain('W-DOUBLE-QDQ');
  expect(bitwright('inspect', fine, '--json').json<Told>().diagnostics).toEqual([]);
});
