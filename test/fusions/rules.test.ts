import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fusionRules } from '@bitwright/fusions';
import { type GraphModule, lint, parseModule, printModule } from '@bitwright/graph';
import { applyRules, foldConstants } from '@bitwright/rewrite';
import { describe, expect, test } from 'vitest';
import { opTypes } from './support.js';

const BN =
  '<float[2] g = {1, 2}, float[2] b = {0.5, 0}, float[2] m = {0, 1}, float[2] v = {1, 4}, CONSTANTS>';

function fuse(signature: string, body: string, constants = 'float one = {1}') {
  const header = '<ir_version: 8, opset_import: ["" : 17]>';
  const module = parseModule(`${header} g ${signature} ${BN.replace('CONSTANTS', constants)} { ${body} }`);
  foldConstants(module);
  const report = applyRules(module, fusionRules);
  lint(module);
  const reasons = (code: string) =>
    report.rejected.filter((entry) => entry.code === code).map(({ rule }) => rule);
  return { module, report, reasons, ops: opTypes(module) };
}

const IMAGE = '(float[N,2,4,4] x) => (float[N,2,4,4] y)';
const WEIGHT = 'float[2,2,1,1] w = {1, 2, 3, 4}';
const bodyOf = (module: GraphModule) => /\{\n([^{}]*)\n\}\s*$/.exec(printModule(module))?.[1]?.trim();

test('every rule is one file of at most 150 lines that says what it is equal to', () => {
  const sources = join(import.meta.dirname, '../../packages/fusions/src');
  for (const { name } of fusionRules) {
    const text = readFileSync(join(sources, `${name}.ts`), 'utf8');
    expect([name, text.split('\n').length <= 150]).toEqual([name, true]);
    const algebra = text.split('\n').some((line) => /^(\/\*\*| \*) .* = /.test(line));
    if (name !== 'report-batch-norm') expect([name, algebra]).toEqual([name, true]);
  }
});

describe('batch normalizations leave a reason', () => {
  test('behind a Conv that others read too: it becomes a depthwise Conv', () => {
    const { ops } = fuse(
      '(float[N,2,4,4] x) => (float[N,2,4,4] y, float[N,2,4,4] z)',
      'c = Conv(x, w) y = BatchNormalization(c, g, b, m, v) z = Relu(c)',
      WEIGHT,
    );
    expect(ops).toEqual(['Conv', 'Conv', 'Relu']);
  });

  test('with two axes behind nothing that is linear', () => {
    const { ops, reasons, report } = fuse(
      '(float[N,2] x) => (float[N,2] y)',
      'r = Relu(x) y = BatchNormalization(r, g, b, m, v)',
    );
    expect(ops).toEqual(['Relu', 'BatchNormalization']);
    expect(reasons('RULE_RANK')).toEqual(['replace-batch-norm-by-depthwise-conv']);
    expect(report.rejected.find(({ code }) => code === 'BATCH_NORM_LEFT')?.reason).toContain(
      "follows Relu 'r'",
    );
  });

  test('in training mode', () => {
    const { ops, reasons } = fuse(
      IMAGE,
      'c = Conv(x, w) y, a, d = BatchNormalization<training_mode = 1>(c, g, b, m, v)',
      WEIGHT,
    );
    expect(ops).toEqual(['Conv', 'BatchNormalization']);
    expect(reasons('RULE_TRAINING_MODE')).toContain('fold-batch-norm-into-conv');
    expect(reasons('BATCH_NORM_LEFT')).toEqual(['report-batch-norm']);
  });

  test('with parameters that are computed', () => {
    const { reasons, report } = fuse(
      '(float[N,2,4,4] x, float[2] h) => (float[N,2,4,4] y)',
      'y = BatchNormalization(x, h, b, m, v)',
    );
    expect(reasons('BATCH_NORM_LEFT')).toHaveLength(1);
    expect(report.rejected[0]).toMatchObject({ culprit: 'h' });
  });

  test('of other channels than its input has, which a runtime broadcasts', () => {
    const { ops, reasons } = fuse(
      '(float[1,1,4,2] x) => (float[1,1,4,2] y)',
      'y = BatchNormalization(x, g, b, m, v)',
    );
    expect(ops).toEqual(['BatchNormalization']);
    expect(reasons('RULE_CHANNELS')).toEqual(['replace-batch-norm-by-depthwise-conv']);
  });

  test('of an unknown rank', () => {
    const { reasons } = fuse('(float[] x) => (float[] y)', 'y = BatchNormalization(x, g, b, m, v)');
    expect(reasons('RULE_RANK_UNKNOWN')).toEqual(['replace-batch-norm-by-depthwise-conv']);
  });

  test('of other types than float32, with other channels, or without a finite scale', () => {
    const half = 'float16[2] hg = {15360, 15360}, float[3] three = {1, 1, 1}, float[2] zero = {-1, 1}';
    const of = (gamma: string, variance: string) =>
      fuse(
        IMAGE,
        `c = Conv(x, w) y = BatchNormalization(c, ${gamma}, b, m, ${variance})`,
        `${WEIGHT}, ${half}`,
      );
    expect(of('hg', 'v').reasons('RULE_DTYPE')).toContain('fold-batch-norm-into-conv');
    expect(of('three', 'v').reasons('RULE_NOT_PER_CHANNEL')).toContain('fold-batch-norm-into-conv');
    expect(of('g', 'zero').reasons('RULE_NOT_FINITE')).toContain('fold-batch-norm-into-conv');
  });

  test('behind a Concat along another axis', () => {
    const { ops } = fuse(
      '(float[N,2,4,4] x) => (float[N,2,8,4] y)',
      'p = Conv(x, w) q = Conv(x, w) c = Concat<axis = 2>(p, q) y = BatchNormalization(c, g, b, m, h)',
      `${WEIGHT}, float[2] h = {1, 1}`,
    );
    expect(ops).toEqual(['Conv', 'Conv', 'Concat', 'Conv']);
  });
});

describe('clips', () => {
  test.each([
    ['0 to infinity', 'float hi = {inf}', 'y = Clip(x, zero, hi)', 'y = Relu (x)'],
    ['0 to the largest float', 'float hi = {3.4028235e38}', 'y = Clip(x, zero, hi)', 'y = Relu (x)'],
    ['from 0', 'float hi = {6}', 'y = Clip(x, zero)', 'y = Relu (x)'],
    ['0 to 6', 'float hi = {6}', 'y = Clip(x, zero, hi)', 'y = Clip (x, zero, hi)'],
    ['1 to infinity', 'float hi = {inf}', 'y = Clip(x, g1, hi)', 'y = Clip (x, g1, hi)'],
  ])('%s', (_, bound, body, expected) => {
    const { module } = fuse(IMAGE, body, `float zero = {0}, float g1 = {1}, ${bound}`);
    expect(bodyOf(module)).toBe(expected);
  });

  test('bounds that Constant nodes make become initializers', () => {
    const { module } = fuse(
      IMAGE,
      'lo = Constant<value = float {0}>() hi = Constant<value_float = 6.0>() y = Clip(x, lo, hi)',
    );
    expect(bodyOf(module)).toBe('y = Clip (x, lo, hi)');
  });
});

describe('nodes that do nothing', () => {
  test('Identity, Dropout and empty Pads go', () => {
    const { ops } = fuse(
      IMAGE,
      'i = Identity(x) d, mask = Dropout(i, ratio, off) p = Pad(d, pads) y = Relu(p)',
      'float ratio = {0.5}, bool off = {0}, int64[8] pads = {0,0,0,0,0,0,0,0}',
    );
    expect(ops).toEqual(['Relu']);
  });

  test('a Dropout that trains, or whose mask is read, stays', () => {
    const training = fuse(IMAGE, 'd = Dropout(x, one, on) y = Relu(d)', 'float one = {0.5}, bool on = {1}');
    expect(training.reasons('RULE_TRAINING_MODE')).toEqual(['drop-dropout']);
    const read = fuse('(float[N,2] x) => (float[N,2] y, bool[N,2] z)', 'd, z = Dropout(x) y = Relu(d)');
    expect(read.reasons('RULE_MASK_READ')).toEqual(['drop-dropout']);
  });

  test('an Identity that names an output of an input stays', () => {
    const { ops, reasons } = fuse(IMAGE, 'y = Identity(x)');
    expect(ops).toEqual(['Identity']);
    expect(reasons('RULE_OUTPUT_NAME')).toEqual(['drop-identity']);
  });

  test('an Identity that names an output stays while others read what it copies', () => {
    const { ops } = fuse(
      '(float[N,2,4,4] x) => (float[N,2,4,4] y, float[N,2,4,4] z)',
      'r = Relu(x) y = Identity(r) z = Exp(r)',
    );
    expect(ops).toEqual(['Relu', 'Identity', 'Exp']);
  });

  test('Reshapes merge unless the second copies a size', () => {
    const constants = 'int64[2] s = {2, -1}, int64[3] t = {4, -1, 2}, int64[2] copies = {0, -1}';
    const merged = fuse(
      '(float[8,2] x) => (float[] y)',
      'f = Flatten(x) r = Reshape(f, s) y = Reshape(r, t)',
      constants,
    );
    expect(merged.ops).toEqual(['Reshape']);
    const kept = fuse('(float[8,2] x) => (float[] y)', 'r = Reshape(x, t) y = Reshape(r, copies)', constants);
    expect(kept.reasons('RULE_COPIES_SIZE')).toEqual(['merge-reshapes']);
  });
});

describe('pads that must stay', () => {
  test.each([
    ['RULE_PAD_MODE', 'Pad<mode = "reflect">(x, spatial)'],
    ['RULE_PAD_VALUE', 'Pad(x, spatial, one)'],
    ['RULE_PAD_AXES', 'Pad(x, wide)'],
    ['RULE_PAD_AXES', 'Pad(x, crop)'],
  ])('%s: %s', (code, pad) => {
    const constants =
      'float one = {1}, float[2,2,1,1] w = {1,2,3,4}, int64[8] spatial = {0,0,1,1,0,0,1,1}, ' +
      'int64[8] wide = {0,1,0,0,0,-1,0,0}, int64[8] crop = {0,0,-1,0,0,0,0,0}';
    const { reasons, ops } = fuse(
      '(float[N,2,4,4] x) => (float[] y)',
      `p = ${pad} y = Conv(p, w)`,
      constants,
    );
    expect(ops).toEqual(['Pad', 'Conv']);
    expect(reasons(code)).toEqual(['fold-pad-into-conv']);
  });

  test('RULE_AUTO_PAD: a window that pads by the size of what it sees', () => {
    const { reasons } = fuse(
      '(float[N,2,4,4] x) => (float[] y)',
      'p = Pad(x, spatial) y = Conv<auto_pad = "SAME_UPPER">(p, w)',
      `${WEIGHT}, int64[8] spatial = {0,0,1,1,0,0,1,1}`,
    );
    expect(reasons('RULE_AUTO_PAD')).toEqual(['fold-pad-into-conv']);
  });

  test('axes of opset 18 are read', () => {
    const { module } = fuse(
      '(float[N,2,4,4] x) => (float[] y)',
      'p = Pad(x, two, "", last) y = Conv(p, w)',
      `${WEIGHT}, int64[2] two = {1, 2}, int64[1] last = {-1}`,
    );
    expect(bodyOf(module)).toBe('y = Conv <pads = [0, 1, 0, 2]> (x, w)');
  });
});

test('names: the fused node keeps that of the layer, its result that of what was folded in, weights their own', () => {
  const { module, report } = fuse(
    IMAGE,
    '[conv] c = Conv(x, w) [bn] y = BatchNormalization(c, g, b, m, v)',
    WEIGHT,
  );
  expect(report.applied).toEqual([{ rule: 'fold-batch-norm-into-conv', node: 'bn' }]);
  expect(bodyOf(module)).toBe('[conv] y = Conv (x, w, w_bias)');
});
