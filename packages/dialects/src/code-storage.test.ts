import { quantGrid } from '@bitwright/core';
import type { QuantSpec } from '@bitwright/graph';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { activationStorage, carrierLimits, weightStorage } from './code-storage.js';

const spec = (bits: number, signed: boolean, carrier?: 'int8' | 'uint8' | 'int16' | 'uint16'): QuantSpec => ({
  role: 'activation',
  ...quantGrid(bits, signed),
  ...(carrier && { carrier }),
});

it('puts activations at the low end of uint8 or uint16 unless the backend demands another type', () => {
  expect(activationStorage(spec(8, false))).toEqual({ carrier: 'uint8', shift: 0 });
  expect(activationStorage(spec(4, true))).toEqual({ carrier: 'uint8', shift: 8 });
  expect(activationStorage(spec(16, true))).toEqual({ carrier: 'uint16', shift: 32768 });
  expect(activationStorage(spec(8, true, 'int8'))).toEqual({ carrier: 'int8', shift: 0 });
  expect(activationStorage(spec(8, false, 'int8'))).toEqual({ carrier: 'int8', shift: -128 });
  expect(activationStorage(spec(4, true, 'int8'))).toEqual({ carrier: 'int8', shift: 0 });
});

it('keeps symmetric weights at zero point 0, or at the middle of an unsigned type', () => {
  expect(weightStorage(spec(8, true), 'int8')).toEqual({ carrier: 'int8', shift: 0 });
  expect(weightStorage(spec(4, true), 'int4')).toEqual({ carrier: 'int4', shift: 0 });
  expect(weightStorage(spec(8, false), 'int8')).toEqual({ carrier: 'uint8', shift: 0 });
  expect(weightStorage(spec(8, true, 'uint8'), 'int8')).toEqual({ carrier: 'uint8', shift: 128 });
  expect(weightStorage(spec(8, false, 'int8'), 'int8')).toEqual({ carrier: 'int8', shift: -128 });
  expect(weightStorage(spec(4, true, 'int8'), 'int4')).toEqual({ carrier: 'int8', shift: 0 });
});

it('every code fits into its carrier', () => {
  const carriers = fc.constantFrom('int8' as const, 'uint8' as const, 'int16' as const, 'uint16' as const);
  fc.assert(
    fc.property(fc.constantFrom(2, 3, 4, 5, 6, 7, 8), fc.boolean(), carriers, (bits, signed, asked) => {
      const grid = spec(bits, signed, asked);
      for (const { carrier, shift } of [activationStorage(grid), weightStorage(grid, 'int8')]) {
        const [low, high] = carrierLimits(carrier);
        expect(carrier).toBe(asked);
        expect(grid.quantMin + shift).toBeGreaterThanOrEqual(low);
        expect(grid.quantMax + shift).toBeLessThanOrEqual(high);
      }
    }),
  );
});
