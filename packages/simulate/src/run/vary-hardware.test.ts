import { expect, test } from 'vitest';
import type { HardwareConfig } from '../hardware/hardware-schema.js';
import { parseHardwareSweep, varyHardware } from './vary-hardware.js';

const bias = (config: Partial<HardwareConfig>, bits: number) =>
  varyHardware({ name: 'n', ...config }, 'bias-bits', bits).bias;

test('a bias of another width keeps the kind of scale that the device has', () => {
  expect(bias({}, 8)).toEqual({ bits: 8, scale: 'free', granularity: 'per-channel' });
  const shifts = { bits: 8, scale: 'power-of-two', granularity: 'per-tensor' } as const;
  expect(bias({ bias: shifts }, 16)).toEqual({ ...shifts, bits: 16 });
  expect(bias({ bias: shifts }, 32)).toEqual({ ...shifts, bits: 32, scale: 'product' });
});

test('a curve is a list or a range of values that the parameter can have', () => {
  expect(parseHardwareSweep('enob=2..4').values).toEqual([2, 3, 4]);
  expect(parseHardwareSweep('bias-bits=8,32')).toEqual({ parameter: 'bias-bits', values: [8, 32] });
  expect(() => parseHardwareSweep('bias-bits=8..10')).toThrow("can't be");
  expect(() => parseHardwareSweep('noise=')).toThrow("can't be");
});

test('noise is multiplied as a standard deviation, whatever its unit', () => {
  const noise = [
    { place: 'sum', kind: 'full-scale', sigma: 0.1 },
    { place: 'sum', kind: 'enob', bits: 6 },
  ] as const;
  const scaled = varyHardware({ name: 'n', noise: [...noise] }, 'noise', 2).noise;
  expect(scaled).toMatchObject([{ sigma: 0.2 }, { bits: expect.closeTo(5, 2) }]);
  expect(varyHardware({ name: 'n', noise: [...noise] }, 'noise', 0).noise).toEqual([]);
});
