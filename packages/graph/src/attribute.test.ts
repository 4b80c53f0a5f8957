import { floatTensor } from '@bitwright/core';
import { expect, test } from 'vitest';
import { type AttributeInit, Attributes, attribute, Graph, graphsOf } from './index.js';

const tensor = floatTensor([1]);

test.each<[AttributeInit, string]>([
  [1, 'int'],
  [1.5, 'float'],
  [2n ** 60n, 'int'],
  ['x', 'string'],
  [[1, 2], 'ints'],
  [[1, 2.5], 'floats'],
  [[], 'ints'],
  [['a'], 'strings'],
  [tensor, 'tensor'],
  [{ type: 'float', value: 1 }, 'float'],
])('a plain value (%s) is an attribute of type %s', (init, type) => {
  expect(attribute(init).type).toBe(type);
});

test('readers give the value, or the fallback when it is absent', () => {
  const attributes = Attributes.from({
    axis: 1,
    alpha: 0.5,
    mode: 'x',
    pads: [1, 2],
    value: tensor,
    none: undefined,
  });
  expect(attributes.size).toBe(5);
  expect(attributes.int('axis', 0)).toBe(1);
  expect(attributes.int('other', 7)).toBe(7);
  expect(attributes.float('alpha', 0)).toBe(0.5);
  expect(attributes.string('mode', '')).toBe('x');
  expect(attributes.ints('pads')).toEqual([1, 2]);
  expect(attributes.ints('none')).toBeUndefined();
  expect(attributes.tensor('value')).toBe(tensor);
});

test('an attribute of another type than asked for is an error that names it', () => {
  expect(() => Attributes.from({ axis: 'x' }).int('axis', 0)).toThrow(
    expect.objectContaining({ code: 'ATTRIBUTE_TYPE', message: expect.stringContaining("'axis'") }),
  );
});

test('a changed copy leaves the original alone', () => {
  const before = Attributes.from({ a: 1, b: 2 });
  const after = before.with({ a: undefined, c: 3 });
  expect([...before].map(([name]) => name)).toEqual(['a', 'b']);
  expect([...after].map(([name]) => name)).toEqual(['b', 'c']);
});

test('names of the prototype are names like any other', () => {
  const attributes = new Attributes([['__proto__', { type: 'int', value: 1 }]]);
  expect(attributes.int('__proto__', 0)).toBe(1);
  expect(attributes.has('constructor')).toBe(false);
});

test('the graphs of an attribute', () => {
  const graph = new Graph();
  expect(graphsOf({ type: 'graph', value: graph })).toEqual([graph]);
  expect(graphsOf({ type: 'graphs', value: [graph] })).toEqual([graph]);
  expect(graphsOf(attribute(1))).toEqual([]);
});
