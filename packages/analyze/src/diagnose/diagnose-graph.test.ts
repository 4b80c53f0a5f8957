import type { Diagnostic } from '@bitwright/core';
import { lint, parseModule } from '@bitwright/graph';
import { describe, expect, it } from 'vitest';
import { diagnoseGraph } from './diagnose-graph.js';
import type { DiagnosedGraph } from './graph-rule.js';

const CONSTANTS = [
  'float s = {0.1}, float t = {0.3}, int32 z = {0}, float low = {-7}, float near = {0.2}, float off = {0.25}',
  'float[1,1,1,1] w = {1}, float[1] one = {1}, int64[8] pads = {0, 0, 1, 1, 0, 0, 1, 1}, int64[2] flat = {1, -1}',
].join(', ');

/** A quantizer of activations in the text form. */
function q(input: string, scale = 's', bits = 8): string {
  return `ai.bitwright.FakeQuantize <role="activation", bits=${bits}, signed=0, quant_min=0, quant_max=${2 ** bits - 1}> (${input}, ${scale}, z)`;
}

function diagnose(body: string, context: Omit<DiagnosedGraph, 'graph'> = {}): Diagnostic[] {
  const module = parseModule(`<ir_version: 10, opset_import: ["": 21, "ai.bitwright": 1]>
    g (float[1,1,4,4] x) => (float y) <${CONSTANTS}> { ${body} }`);
  lint(module);
  return diagnoseGraph({ graph: module.graph, ...context });
}

function told(body: string, context?: Omit<DiagnosedGraph, 'graph'>): string[] {
  return diagnose(body, context).map(({ code, severity, at }) => `${severity} ${code} ${at.node}`);
}

describe('W-DOUBLE-QDQ', () => {
  it('where only shape operators stand between two grids', () => {
    expect(told(`a = ${q('x')} b = Reshape(a, flat) [second] y = ${q('b', 't')}`)).toEqual([
      'warning W-DOUBLE-QDQ second',
    ]);
    expect(told(`a = ${q('x')} [second] y = ${q('a', 't', 16)}`)).toEqual(['info W-DOUBLE-QDQ second']);
  });

  it('not for the same grid, nor where an operator computes in between', () => {
    expect(told(`a = ${q('x')} b = Reshape(a, flat) y = ${q('b')}`)).toEqual([]);
    expect(told(`a = ${q('x')} b = Sigmoid(a) y = ${q('b', 't')}`)).toEqual([]);
  });
});

describe('W-RELU-Q', () => {
  it('where a quantizer stands between a layer and its Relu', () => {
    const between = `[conv] a = Conv(x, w) b = ${q('a')} y = Relu(b)`;
    expect(told(between)).toEqual(['warning W-RELU-Q conv']);
    expect(told(between, { placedByTable: true })).toEqual(['info W-RELU-Q conv']);
  });

  it('not behind the Relu, nor where others read the codes below zero', () => {
    expect(told(`a = Conv(x, w) b = Relu(a) y = ${q('b')}`)).toEqual([]);
    expect(
      told(`a = Conv(x, w) b = ${q('a')} c = Relu(b) d = Sigmoid(b) y = Concat <axis=1> (c, d)`),
    ).toEqual([]);
  });
});

describe('W-BN', () => {
  it('with the reason why one is left', () => {
    const [computed] = diagnose('c = Exp(one) [bn] y = BatchNormalization(x, c, one, one, one)');
    expect(computed).toMatchObject({ code: 'W-BN', severity: 'warning', at: { node: 'bn' } });
    expect(computed!.message).toContain("its parameter 'c' is computed");
    const [follows] = diagnose('[act] a = Sigmoid(x) [bn] y = BatchNormalization(a, one, one, one, one)');
    expect(follows!.message).toContain("it follows Sigmoid 'act'");
  });
});

describe('W-LOGITS', () => {
  it('for a result below 8 bits: told where it was asked for, warned of where not', () => {
    const narrow = `[layer] a = Conv(x, w) b = ${q('a', 's', 4)} c = Reshape(b, flat) y = ai.bitwright.DeQuantStub(c)`;
    expect(told(narrow)).toEqual(['warning W-LOGITS layer']);
    expect(told(narrow, { askedBits: 8 })).toEqual(['warning W-LOGITS layer']);
    expect(told(narrow, { askedBits: 4 })).toEqual(['info W-LOGITS layer']);
  });

  it('not for 8 bits or a float result', () => {
    expect(told(`a = Conv(x, w) y = ${q('a')}`)).toEqual([]);
    expect(told('y = Conv(x, w)')).toEqual([]);
  });
});

describe('W-FIRST', () => {
  it('for an input below 8 bits', () => {
    const narrow = `[first] a = ${q('x', 's', 4)} y = Conv(a, w)`;
    expect(told(narrow)).toEqual(['warning W-FIRST first']);
    expect(told(narrow, { askedBits: 4 })).toEqual(['info W-FIRST first']);
  });

  it('not at 8 bits, nor for a tensor in the middle', () => {
    expect(told(`a = ${q('x')} y = Conv(a, w)`)).toEqual([]);
    expect(told(`a = Sigmoid(x) b = ${q('a', 's', 4)} y = Conv(b, w)`)).toEqual([]);
  });
});

describe('W-ADD-SCALE', () => {
  const add = (scale: string): string =>
    `a = Sigmoid(x) b = ${q('a')} c = Exp(x) d = ${q('c', scale)} [sum] y = Add(b, d)`;

  it('where the table wants one scale and there are two', () => {
    expect(told(add('t'), { equalAddScales: true })).toEqual(['warning W-ADD-SCALE sum']);
  });

  it('not for equal scales, nor where the table rescales', () => {
    expect(told(add('s'), { equalAddScales: true })).toEqual([]);
    expect(told(add('t'))).toEqual([]);
  });
});

describe('W-BYPASS', () => {
  it('where the shortcut of a quantized Add is float', () => {
    const [found] = diagnose(`a = Conv(x, w) b = ${q('a')} [sum] y = Add(b, x)`);
    expect(found).toMatchObject({ code: 'W-BYPASS', severity: 'warning', at: { node: 'sum', value: 'x' } });
  });

  it('not where both are quantized, one is constant, the layer is fused with the Add, or all is float', () => {
    expect(
      told(`a = Conv(x, w) b = ${q('a')} c = ${q('x')} d = MaxPool <kernel_shape=[1, 1]> (c) y = Add(b, d)`),
    ).toEqual([]);
    expect(told(`a = ${q('x')} y = Add(a, one)`)).toEqual([]);
    expect(told(`a = ${q('x')} b = Conv(a, w) y = Add(b, a)`)).toEqual([]);
    expect(told('a = Conv(x, w) y = Add(a, x)')).toEqual([]);
  });
});

describe('W-CONST-PAD', () => {
  it('for a value that has no code: between two, or outside', () => {
    expect(told(`a = ${q('x')} [pad] y = Pad(a, pads, off)`)).toEqual(['warning W-CONST-PAD pad']);
    expect(told(`a = ${q('x')} [pad] y = Pad(a, pads, low)`)).toEqual(['warning W-CONST-PAD pad']);
  });

  it('not for zero, a value of the grid, other modes, or a float tensor', () => {
    expect(told(`a = ${q('x')} y = Pad(a, pads)`)).toEqual([]);
    expect(told(`a = ${q('x')} y = Pad(a, pads, near)`)).toEqual([]);
    expect(told(`a = ${q('x')} y = Pad <mode="edge"> (a, pads, off)`)).toEqual([]);
    expect(told('y = Pad(x, pads, off)')).toEqual([]);
  });
});

it('gives every finding a hint', () => {
  const all = diagnose(`a = ${q('x', 's', 4)} [pad] b = Pad(a, pads, low) y = Add(b, x)`);
  expect(all.map(({ code }) => code)).toEqual(['W-FIRST', 'W-BYPASS', 'W-CONST-PAD']);
  for (const { hint } of all) expect(hint).toMatch(/\.$/);
});
