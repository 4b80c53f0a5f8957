import { expect, it } from 'vitest';
import { parseBudget } from './budget.js';

it.each([
  ['size=0.5', 'size', { share: 0.5 }],
  ['size=1', 'size', { share: 1 }],
  ['size=120KB', 'size', { absolute: 120 * 1024 }],
  ['size=1.5MiB', 'size', { absolute: 1.5 * 2 ** 20 }],
  ['size=134168', 'size', { absolute: 134168 }],
  ['size=1B', 'size', { absolute: 1 }],
  ['bops=0.25', 'bops', { share: 0.25 }],
  ['bops=2e9', 'bops', { absolute: 2e9 }],
  ['latency=0.5', 'latency', { share: 0.5 }],
  ['latency=5ms', 'latency', { absolute: 5 }],
  ['latency=0.25s', 'latency', { absolute: 250 }],
  ['latency=800us', 'latency', { absolute: 0.8 }],
])('reads %s', (text, kind, limit) => {
  expect(parseBudget(text)).toEqual({ kind, text, limit });
});

it.each([
  '0.5',
  'size',
  'size=',
  'size=0',
  'size=-1',
  'size=half',
  'bops=3KB',
  'sise=0.5',
  'latency=5',
  'latency=5KB',
  'size=3ms',
])('refuses %s', (text) => {
  expect(() => parseBudget(text)).toThrow(expect.objectContaining({ code: 'OPTION_VALUE', kind: 'usage' }));
});

it('names the nearest kind', () => {
  expect(() => parseBudget('sise=0.5')).toThrow(
    expect.objectContaining({ hint: expect.stringContaining('size') }),
  );
});
