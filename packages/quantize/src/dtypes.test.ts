import { expect, it } from 'vitest';
import { model } from '../test/prepared-model.js';
import { inferDtypes } from './dtypes.js';

/** The inferred element types by name; '?' where nothing is known. */
function dtypesOf(body: string, names: readonly string[]): string[] {
  const { graph } = model(body);
  const dtypes = inferDtypes(graph);
  return names.map((name) => dtypes.get(graph.findValue(name)!) ?? '?');
}

it('follows declarations, then the operators', () => {
  const body = `g (float[2] x, double[2] d, u) => (a, b, c, e, f) <int64[1] i = {1}> {
    a = Relu(x) b = Gather(d, i) c = Add(i, i) e = Neg(u) f = com.example.Any(x)
  }`;
  expect(dtypesOf(body, ['a', 'b', 'c', 'e', 'f', 'i'])).toEqual([
    'float',
    'double',
    'int64',
    '?',
    '?',
    'int64',
  ]);
});

it('knows operators whose result is typed by themselves', () => {
  const body = `g (float[2] x) => (s, c, h, k, w, m, l) {
    s = Shape(x) c = Cast<to=7>(x) h = Cast<to=10>(x) k = Greater(x, x) w = Where(k, s, c) m = ArgMax(x) l = CastLike(x, s)
  }`;
  expect(dtypesOf(body, ['s', 'c', 'h', 'k', 'w', 'm', 'l'])).toEqual([
    'int64',
    'int64',
    'float16',
    'bool',
    'int64',
    'int64',
    'int64',
  ]);
});

it('tells the results of one operator apart', () => {
  const body = `g (float[1,1,2,2] x, int64[1] k) => (v, i, p, q, d, m) {
    v, i = TopK(x, k) p, q = MaxPool<kernel_shape=[1,1]>(x) d, m = Dropout(x)
  }`;
  expect(dtypesOf(body, ['v', 'i', 'p', 'q', 'd', 'm'])).toEqual([
    'float',
    'int64',
    'float',
    'int64',
    'float',
    'bool',
  ]);
});

it('knows constants of every form, and the two sides of quantizers', () => {
  const body = `g (float[2] x) => (a, b, c, e, f, q, d) <float s = {1}, uint8[2] k = {1,2}> {
    a = Constant<value_int=1>() b = Constant<value_floats=[1.5]>() c = Constant<value=int32[1] {1}>()
    e = Constant<value_string="s">() f = ConstantOfShape(x) q = QuantizeLinear(x, s) d = DequantizeLinear(k, s)
  }`;
  expect(dtypesOf(body, ['a', 'b', 'c', 'e', 'f', 'q', 'd'])).toEqual([
    'int64',
    'float',
    'int32',
    'string',
    'float',
    '?',
    'float',
  ]);
});
