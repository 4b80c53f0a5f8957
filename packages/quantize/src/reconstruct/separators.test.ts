import { parseModule } from '@bitwright/graph';
import { expect, it } from 'vitest';
import { separators } from './separators.js';

const names = (text: string): string[] =>
  separators(parseModule(`<ir_version: 10, opset_import: ["": 21]> ${text}`).graph).map(({ name }) => name);

it('finds every value of a chain', () => {
  expect(names('g (float[N] x) => (float[N] c) { a = Relu(x) b = Neg(a) c = Exp(b) }')).toEqual([
    'x',
    'a',
    'b',
    'c',
  ]);
});

it('finds where branches part and where they meet again, but nothing in between', () => {
  const text = `g (float[N] x) => (float[N] y) {
    a = Relu(x) b = Neg(a) c = Exp(b) d = Abs(a) e = Add(c, d) y = Neg(e) }`;
  expect(names(text)).toEqual(['x', 'a', 'e', 'y']);
});

it('looks into branches within branches, and past a shortcut around all', () => {
  const text = `g (float[N] x) => (float[N] y) {
    a = Relu(x) b = Neg(a) c = Exp(a) d = Add(b, c) e = Neg(d) y = Mul(e, a) }`;
  expect(names(text)).toEqual(['x', 'a', 'y']);
});

it('does not take constants for data, nor inputs for one value when there are several', () => {
  const text = `g (float[N] x, float[N] z) => (float[N] y) <float w = {2.0}> {
    k = Neg(w) a = Add(x, z) b = Mul(a, k) y = Relu(b) }`;
  expect(names(text)).toEqual(['a', 'b', 'y']);
});

it('finds what several outputs have in common', () => {
  const text = 'g (float[N] x) => (float[N] y, float[N] z) { a = Relu(x) b = Neg(a) y = Exp(b) z = Abs(b) }';
  expect(names(text)).toEqual(['x', 'a', 'b']);
});
