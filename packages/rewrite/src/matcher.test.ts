import { type OpNode, parseModule } from '@bitwright/graph';
import { describe, expect, it } from 'vitest';
import { explainRule } from './explain-rule.js';
import { MatchTrace } from './match-trace.js';
import { matchPattern } from './matcher.js';
import type { Pattern } from './pattern.js';
import {
  absent,
  anyOf,
  anyValue,
  constant,
  op,
  optional,
  resultOf,
  same,
  sequence,
  variadic,
} from './pattern-builders.js';
import { reject } from './rejection.js';
import { defineRule } from './rule.js';

const HEADER = '<ir_version: 8, opset_import: ["" : 13]> g (float[N,4,8,8] x, float[N,4,8,8] z) => (float y)';
const CONSTANTS =
  '<float[4,4,1,1] w = {1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16}, float[4] b = {1,2,3,4}, float two = {2}>';

/** The operator that makes y. */
function root(body: string): OpNode {
  const module = parseModule(`${HEADER} ${CONSTANTS} { ${body} }`);
  return module.graph.outputs[0]!.producer as OpNode;
}

/** What each capture is called; undefined without a match. */
function captures(pattern: Pattern, body: string): Record<string, unknown> | undefined {
  const match = matchPattern(pattern.data, root(body));
  const nameOf = (captured: unknown): unknown => {
    if (captured === undefined) return undefined;
    if (Array.isArray(captured)) return captured.map(nameOf);
    const it = captured as { name?: string; output?: { name: string }; opType?: string };
    return it.opType ?? it.output?.name ?? it.name;
  };
  return match && Object.fromEntries([...match.captures].map(([name, captured]) => [name, nameOf(captured)]));
}

describe('matchPattern', () => {
  const conv = op('Conv', anyValue.as('x'), constant.as('w'), optional(constant.as('b'))).as('conv');

  it('binds captures, and undefined for an optional input that is left out', () => {
    expect(captures(conv, 'y = Conv(x, w, b)')).toEqual({ x: 'x', w: 'w', b: 'b', conv: 'Conv' });
    expect(captures(conv, 'y = Conv(x, w)')).toEqual({ x: 'x', w: 'w', b: undefined, conv: 'Conv' });
    expect(captures(conv, 'y = Conv(x, w, z)')).toBeUndefined();
    expect(captures(op('Conv', anyValue, constant, absent), 'y = Conv(x, w, b)')).toBeUndefined();
    expect(captures(op('Conv', anyValue, constant, absent), 'y = Conv(x, w, "")')).toEqual({});
  });

  it('tries both orders of operators that commute, and of no other', () => {
    const scaled = (opType: 'Mul' | 'Sub') => op(opType, op('Relu'), constant.as('c'));
    expect(captures(scaled('Mul'), 'a = Relu(x) y = Mul(two, a)')).toEqual({ c: 'two' });
    expect(captures(scaled('Mul'), 'a = Relu(x) y = Mul(a, two)')).toEqual({ c: 'two' });
    expect(captures(scaled('Sub'), 'a = Relu(x) y = Sub(two, a)')).toBeUndefined();
  });

  it('goes back over orders and alternatives until the whole fits', () => {
    const swish = op('Mul', anyValue.as('x'), op('Sigmoid', same('x')));
    expect(captures(swish, 's = Sigmoid(x) y = Mul(s, x)')).toEqual({ x: 'x' });
    expect(captures(swish, 's = Sigmoid(z) y = Mul(s, x)')).toBeUndefined();
    // The first alternative fits the value alone, the second lets the rest fit too.
    const nested = op('Add', anyOf(anyValue.as('a'), op('Relu', anyValue.as('a'))), op('Neg', same('a')));
    expect(captures(nested, 'r = Relu(x) n = Neg(x) y = Add(n, r)')).toEqual({ a: 'x' });
  });

  it('takes the first alternative that fits; names of the others are undefined', () => {
    const either = anyOf(op('Relu', anyValue.as('x')).as('relu'), op('Clip', anyValue.as('x')).as('clip'));
    expect(captures(either, 'y = Clip(x)')).toEqual({ x: 'x', relu: undefined, clip: 'Clip' });
    expect(captures(either, 'y = Neg(x)')).toBeUndefined();
  });

  it('lists the captures of variadic inputs, one element an input', () => {
    const concat = op('Concat', variadic(op('Conv', anyValue, constant.as('w'), optional(constant.as('b')))));
    expect(captures(concat, 'a = Conv(x, w) c = Conv(z, w, b) y = Concat<axis = 1>(a, c)')).toEqual({
      w: ['w', 'w'],
      b: [undefined, 'b'],
    });
    expect(captures(concat, 'a = Conv(x, w) y = Concat<axis = 1>(a, x)')).toBeUndefined();
    expect(captures(op('Sum', variadic(anyValue, { atLeast: 3 })), 'y = Sum(x, z)')).toBeUndefined();
  });

  it('reads a chain forwards', () => {
    const chain = sequence(op('Conv').as('conv'), op('Mul', constant.as('s')), op('Relu').as('relu'));
    expect(captures(chain, 'c = Conv(x, w) m = Mul(two, c) y = Relu(m)')).toEqual({
      conv: 'Conv',
      s: 'two',
      relu: 'Relu',
    });
  });

  it('asks for attributes, with the defaults of ONNX', () => {
    const plain = op('Conv').attributes({ group: 1, auto_pad: (pad) => pad === 'NOTSET' });
    expect(captures(plain, 'y = Conv(x, w)')).toEqual({});
    expect(captures(plain, 'y = Conv<group = 1, auto_pad = "NOTSET">(x, w)')).toEqual({});
    expect(captures(plain, 'y = Conv<group = 2>(x, w)')).toBeUndefined();
    const strided = op('Conv').attributes({ strides: [2, 2] });
    expect(captures(strided, 'y = Conv<strides = [2, 2]>(x, w)')).toEqual({});
    expect(captures(strided, 'y = Conv<strides = [2, 1]>(x, w)')).toBeUndefined();
  });

  it('asks for types, ranks, shapes, scalars and conditions', () => {
    const fits = (pattern: Pattern) =>
      captures(op('Mul', pattern, constant.scalar(2)), 'y = Mul(x, two)') !== undefined;
    expect(fits(anyValue.dtype('float', 'float16'))).toBe(true);
    expect(fits(anyValue.dtype('int8'))).toBe(false);
    expect(fits(anyValue.rank(3, 4))).toBe(true);
    expect(fits(anyValue.rank(2))).toBe(false);
    expect(fits(anyValue.shape([undefined, 4, undefined, 8]))).toBe(true);
    expect(fits(anyValue.shape([undefined, 3, undefined, 8]))).toBe(false);
    expect(fits(anyValue.where(({ name }) => name === 'x', 'the name x'))).toBe(true);
    expect(captures(op('Mul', anyValue, constant.scalar(3)), 'y = Mul(x, two)')).toBeUndefined();
    expect(captures(op('Add', anyValue, constant.scalar()), 'y = Add(x, b)')).toBeUndefined();
  });

  it('means the result that is asked for', () => {
    const second = op('Relu', op('Split', anyValue).output(1).shared());
    expect(captures(second, 'p, q = Split(x) y = Relu(q)')).toEqual({});
    expect(captures(second, 'p, q = Split(x) y = Relu(p)')).toBeUndefined();
  });

  it('follows several results of one operator', () => {
    const glu = op('Mul', op('Split', anyValue.as('x')).as('split'), op('Sigmoid', resultOf('split', 1)));
    expect(captures(glu, 'p, q = Split(x) s = Sigmoid(q) y = Mul(p, s)')).toEqual({ x: 'x', split: 'Split' });
    expect(captures(glu, 'p, q = Split(x) s = Sigmoid(q) y = Mul(s, p)')).toEqual({ x: 'x', split: 'Split' });
    expect(captures(glu, 'p, q = Split(x) s = Sigmoid(p) y = Mul(q, s)')).toBeUndefined();
    expect(captures(glu, 'p, q = Split(x) k, l = Split(x) s = Sigmoid(l) y = Mul(p, s)')).toBeUndefined();
    expect(captures(glu, 'p, q, r = Split(x) s = Sigmoid(q) t = Mul(p, s) y = Add(t, r)')).toBeUndefined();
  });

  it('asks for the elements of constants, and passes on what a condition found', () => {
    expect(
      captures(
        op(
          'Add',
          anyValue,
          constant.elements((e) => e > 0),
        ),
        'y = Add(x, b)',
      ),
    ).toEqual({});
    expect(captures(op('Add', anyValue, constant.elements(2)), 'y = Add(x, two)')).toEqual({});
    const found = (pattern: Pattern, body: string) => {
      const trace = new MatchTrace();
      matchPattern(pattern.data, root(body), trace);
      return trace.failure;
    };
    expect(found(op('Add', anyValue, constant.elements(2)), 'y = Add(x, b)')).toMatchObject({
      needed: 'all elements 2',
      found: 'element 0 = 1',
    });
    const short = anyValue.where(({ name }) => name.length > 3 || `${name.length} letters`, 'a long name');
    expect(found(op('Relu', short), 'y = Relu(x)')).toMatchObject({
      needed: 'a long name',
      found: '1 letters',
    });
    const typed = anyOf(op('Relu'), op('Neg')).dtype('int8');
    expect(found(typed, 'y = Relu(x)')).toMatchObject({ needed: 'element type int8' });
  });

  it('has no recursion over inputs: an operator may have very many of them', () => {
    const module = parseModule(`${HEADER} ${CONSTANTS} { y = Relu(x) }`);
    const [relu] = [...module.graph.ops()];
    const inputs = Array.from({ length: 50_000 }, () => relu!.output);
    const concat = module.graph.createOp({ opType: 'Concat', inputs });
    const all = op('Concat', variadic(op('Relu', anyValue.as('x')).shared().as('relu')));
    const match = matchPattern(all.data, concat);
    expect(match?.captures.get('relu')).toHaveLength(50_000);
    expect(matchPattern(op('Concat', variadic(op('Neg'))).data, concat)).toBeUndefined();
  });

  it('refuses patterns that make no sense, in words', () => {
    const loose = op as unknown as (name: string, ...inputs: Pattern[]) => Pattern;
    expect(() => loose('Convolution')).toThrow("There is no operator 'Convolution'.");
    expect(() => loose('Relu', anyValue, anyValue)).toThrow(
      'Relu takes at most 1 inputs and the pattern has 2.',
    );
    expect(() => loose('Add', anyValue.as('a'), anyValue.as('a'))).toThrow("The capture 'a' is bound twice.");
    expect(() => loose('my.domain.Op', anyValue)).not.toThrow();
    const rule = (match: Pattern) => () => defineRule({ name: 'r', match, rewrite: () => undefined });
    expect(rule(anyValue)).toThrow('not an operator');
    expect(rule(op('Relu', resultOf('x', 1)))).toThrow("a result of 'x', which is not captured before");
    expect(rule(op('Relu', same('x')))).toThrow("the same value as 'x', which is not captured before");
  });
});

describe('explainRule', () => {
  const rule = defineRule({
    name: 'conv-relu',
    match: op('Relu', op('Conv', anyValue, constant.as('w')).attributes({ group: 1 }).as('conv')).as('relu'),
    where: ({ w }) => w.tensor.dims[0] === 4 || reject('WIDTH', 'it is not 4 wide', w),
    rewrite: () => undefined,
  });

  const explain = (body: string, rules = rule) => explainRule(root(body), rules);

  it('names the condition that stopped the attempt that came farthest', () => {
    expect(explain('c = Conv(x, w) y = Relu(c)')).toMatchObject({ outcome: 'matches' });
    expect(explain('y = Relu(x)').failed).toEqual({
      node: 'y',
      value: 'x',
      needed: 'Conv',
      found: "the input 'x' of the graph",
    });
    expect(explain('c = Conv<group = 2>(x, w) y = Relu(c)').failed).toEqual({
      node: 'c',
      value: 'c',
      needed: 'group = 1',
      found: 'group = 2',
    });
    expect(explain('c = Conv(x, z) y = Relu(c)').failed).toMatchObject({
      node: 'c',
      value: 'z',
      needed: 'a constant',
    });
    expect(explain('c = Conv(x, w) r = Relu(c) y = Add(r, c)').failed).toMatchObject({
      needed: 'Relu',
      found: 'Add',
    });
  });

  it('says who else reads an inner result, seen from the inner operator', () => {
    const y = root('c = Conv(x, w) r = Relu(c) y = Add(r, c)');
    const conv = y.inputs[1]!.producer as OpNode;
    expect(explainRule(conv, rule)).toMatchObject({
      root: 'r',
      failed: { value: 'c', needed: "no other reader of 'c'", found: "Add 'y' reads it" },
    });
  });

  it('passes on the reason of a rejection, also one given while rewriting', () => {
    const wide = `<float[8,4,1,1] v = {${new Array(32).fill(1)}}>`;
    const module = parseModule(`${HEADER} ${wide} { c = Conv(x, v) y = Relu(c) }`);
    const relu = module.graph.outputs[0]!.producer as OpNode;
    expect(explainRule(relu, rule)).toMatchObject({
      outcome: 'rejected',
      rejection: { code: 'WIDTH', message: 'it is not 4 wide', culprit: 'v' },
    });
    const late = defineRule({
      name: 'late',
      match: op('Relu', anyValue.as('x')),
      rewrite: ({ x }, r) => {
        r.op.Neg([x]);
        return reject('LATE', 'late');
      },
    });
    const count = relu.graph.nodeCount;
    expect(explainRule(relu, late)).toMatchObject({ outcome: 'rejected', rejection: { code: 'LATE' } });
    expect(relu.graph.nodeCount).toBe(count);
  });
});
