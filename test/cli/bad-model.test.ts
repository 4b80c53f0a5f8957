import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { emitBytes } from '@bitwright/emit';
import { parseModule } from '@bitwright/graph';
import { describe, expect, it } from 'vitest';
import { ASSETS, bitwright, type CliResult, temporaryFolder } from '../support/cli.js';

const folder = temporaryFolder();
const output = join(folder, 'out.onnx');

const card = join(folder, 'random.json');
const uniform = { distribution: 'uniform', low: -1, high: 1 };
writeFileSync(card, JSON.stringify({ format: 'random', samples: 4, inputs: { '*': uniform } }));

function model(name: string, body: string, header = ''): string {
  const path = join(folder, name);
  const text = `<ir_version: 8, opset_import: ["" : 17, "com.acme" : 1]>
    g (float[N, 4] x) => (float[N, 4] y) < float[4, 4] w = {1, 0, 0, 2, 0, 1, 3, 0, 0, -1, 1, 0, 2, 0, 0, 1} ${header} > { ${body} }`;
  writeFileSync(path, emitBytes(parseModule(text)));
  return path;
}

const quantize = (path: string, into = output): CliResult =>
  bitwright('quantize', path, '-o', into, '--bits', 'W8A8', '--data', card, '--json');

interface ErrorDocument {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly hint: string;
    readonly at: { node?: string };
  };
}

interface Layers {
  readonly layers: readonly {
    readonly opType: string;
    readonly float?: { readonly code: string; readonly reason: string };
  }[];
}

describe('an operator that the runtime cannot run', () => {
  it.each([
    ['of a domain that it does not know', 'h = com.acme.Mystery(x) y = MatMul(h, w)', 'Mystery'],
    ['of no operator set', 'h = NoSuchOperator(x) y = MatMul(h, w)', 'NoSuchOperator'],
    [
      'of a foreign domain behind all that is observed',
      'h = MatMul(x, w) y = com.acme.Mystery(h)',
      'Mystery',
    ],
    [
      'of no operator set behind all that is observed',
      'h = MatMul(x, w) y = NoSuchOperator(h)',
      'NoSuchOperator',
    ],
  ])('%s is named, with what to do, and nothing is written', (_, body, operator) => {
    const path = model('unknown.onnx', body);
    const before = readdirSync(folder);
    const result = quantize(path);
    expect(result.code, result.stderr).toBe(1);
    const { error } = result.json<ErrorDocument>();
    expect(error.code).toBe('RUNTIME_UNSUPPORTED_OPERATOR');
    expect(error.message).toContain(operator);
    expect(error.hint).toMatch(/export|cut/);
    expect(result.stderr).not.toMatch(/^\s+at .*\.js/m);
    expect(existsSync(output)).toBe(false);
    expect(readdirSync(folder)).toEqual(before);
  });
});

describe('an operator that only another program can run', () => {
  const path = model('foreign.onnx', 'h = MatMul(x, w) y = com.acme.Mystery(h)');
  const behind = ['--bits', 'W8A8', '--data', card];

  it('is written in the dialect that no stock runtime reads', () => {
    const result = bitwright(
      'quantize',
      path,
      '-o',
      join(folder, 'foreign.qonnx.onnx'),
      ...behind,
      '--dialect',
      'qonnx',
    );
    expect(result.code, result.stderr).toBe(0);
  });

  it('is written for a table whose files another program reads', () => {
    const result = bitwright(
      'quantize',
      path,
      '-o',
      join(folder, 'foreign.qnn.onnx'),
      ...behind,
      '--backend',
      'qnn',
    );
    expect(result.code, result.stderr).toBe(0);
  });

  it('is refused where saved ranges spare the calibration, and where only the dialect changes', () => {
    const [ranges, exotic] = [join(folder, 'ranges.json'), join(folder, 'exotic.onnx')];
    const written = ['--dialect', 'qonnx', '--save-ranges', ranges];
    expect(bitwright('quantize', path, '-o', exotic, ...behind, ...written).code).toBe(0);
    const again = bitwright(
      'quantize',
      path,
      '-o',
      output,
      '--bits',
      '8',
      '--method',
      'fast',
      '--ranges',
      ranges,
      '--json',
    );
    const changed = bitwright('quantize', exotic, '-o', output, '--requantize', '--dialect', 'qdq', '--json');
    for (const result of [again, changed]) {
      expect(result.code, result.stderr).toBe(1);
      expect(result.json<ErrorDocument>().error.code).toBe('RUNTIME_UNSUPPORTED_OPERATOR');
    }
    expect(existsSync(output)).toBe(false);
  });
});

describe('an operator that is merely kept float', () => {
  it('is reported with its reason, and the exit code is 0', () => {
    const path = model('kept.onnx', 'h = MatMul(x, w) e = Erf(h) y = MatMul(e, w)');
    const result = quantize(path, join(folder, 'kept.out.onnx'));
    expect(result.code, result.stderr).toBe(0);
    const { layers } = result.json<Layers>();
    const kept = layers.find(({ opType }) => opType === 'Erf');
    expect(kept?.float?.code).toBe('FLOAT_NO_PATTERN');
    expect(kept?.float?.reason).not.toBe('');
    expect(layers.filter(({ opType, float }) => opType !== 'Erf' && float !== undefined)).toEqual([]);
  });
});

describe.skipIf(ASSETS === undefined)('a model that the runtime refuses', () => {
  it('is named with what the runtime says', () => {
    const result = quantize(join(ASSETS!, 'models/super_resolution.onnx'));
    expect(result.code, result.stderr).toBe(1);
    const { error } = result.json<ErrorDocument>();
    expect(error.code).toMatch(/^[A-Z_]+$/);
    expect(error.hint).not.toBe('');
    expect(existsSync(output)).toBe(false);
  });
});
