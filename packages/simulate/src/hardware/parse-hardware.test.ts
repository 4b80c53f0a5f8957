import { readFileSync } from 'node:fs';
import { BitwrightError } from '@bitwright/core';
import { expect, test } from 'vitest';
import { hardwareJsonSchema } from './hardware-schema.js';
import { operatorHardware } from './operator-hardware.js';
import { findHardware, parseHardware } from './parse-hardware.js';
import { PRESETS } from './presets.js';

function failure(raw: unknown): BitwrightError {
  try {
    parseHardware(raw, 'my.json');
  } catch (thrown) {
    return thrown as BitwrightError;
  }
  throw new Error('nothing was thrown');
}

test('every preset is valid, named once and states sources', () => {
  for (const preset of PRESETS) {
    expect(parseHardware(JSON.parse(JSON.stringify(preset)), preset.name)).toEqual(preset);
    expect(preset.sources!.length).toBeGreaterThan(0);
  }
  expect(new Set(PRESETS.map(({ name }) => name)).size).toBe(PRESETS.length);
});

test.each([
  [{ name: 'x', accumulatr: {} }, 'accumulatr', "Did you mean 'accumulator'?"],
  [
    { name: 'x', accumulator: { bits: 16, overflw: 'wrap' } },
    'accumulator.overflw',
    "Did you mean 'overflow'?",
  ],
  [{ name: 'x', accumulator: { bits: 99 } }, 'accumulator.bits', ''],
  [{ name: 'x', weightBits: 0 }, 'weightBits', ''],
  [
    { name: 'x', requantize: { kind: 'fixed-point', rounding: 'double', shifft: 3 } },
    'requantize.shifft',
    '',
  ],
  [{ name: 'x', requantize: { kind: 'fixed-point', rounding: 'double', bits: 15 } }, 'requantize.bits', ''],
  [{ name: 'x', noise: [{ kind: 'additive', sigma: 0.1 }] }, 'noise.0.place', 'place'],
  [{ name: 'x', noise: [{ place: 'sum', kind: 'enob', bits: 4, sigma: 3 }] }, 'noise.0.sigma', ''],
  [{ name: 'x', noise: [{ place: 'weights', kind: 'additive' }] }, 'noise.0.sigma', 'Add "sigma" (number).'],
  [{ name: 'x', noise: [{ place: 'sum', kind: 'leakage', probability: 0.1 }] }, 'noise.0', 'adc'],
  [{ name: 'x', operators: { linea: {} } }, 'operators.linea', "Did you mean 'linear'?"],
  [{ name: 'x', operators: { conv: { accumulator: { bits: 1 } } } }, 'operators.conv.accumulator.bits', ''],
  [{}, 'name', ''],
  [null, 'its top', ''],
])('%j is refused at %s', (raw, path, hint) => {
  const error = failure(raw);
  expect(error).toBeInstanceOf(BitwrightError);
  expect(error.code).toBe('HARDWARE_INVALID');
  expect(error.message).toContain(`'${path}'`);
  expect(error.hint).toContain(hint);
  expect(error.at.file).toBe('my.json');
});

test('a width that no bias has is answered with those that there are', () => {
  const { message } = failure({ name: 'x', bias: { bits: 12, scale: 'free', granularity: 'per-tensor' } });
  expect(message).toMatch(/at 'bias\.bits': Invalid option: expected one of 8\|16\|32/);
});

test('an unknown name is answered with the nearest', () => {
  expect(() => findHardware('photonic-4bits')).toThrow(
    expect.objectContaining({ code: 'HARDWARE_UNKNOWN', hint: "Did you mean 'photonic-4bit'?" }),
  );
});

test('an operator class lays its entries over the top level, and pools are digital', () => {
  const hardware = parseHardware(
    {
      name: 'x',
      accumulator: { bits: 16, overflow: 'saturate' },
      adc: { bits: 6 },
      operators: { linear: { accumulator: { bits: 24 } } },
    },
    'x',
  );
  expect(operatorHardware(hardware, 'conv').accumulator).toMatchObject({
    bits: 16,
    overflow: 'saturate',
    at: 'end',
  });
  expect(operatorHardware(hardware, 'linear').accumulator).toMatchObject({ bits: 24, overflow: 'saturate' });
  expect(operatorHardware(hardware, 'linear').adc?.bits).toBe(6);
  expect(operatorHardware(hardware, 'pool').accumulator.bits).toBe(32);
  expect(operatorHardware(hardware, 'pool').adc).toBeUndefined();
});

test('the published schema is the one that files are checked against', () => {
  const published = new URL('../../../../docs/reference/hardware.schema.json', import.meta.url);
  expect(JSON.parse(readFileSync(published, 'utf8'))).toEqual(hardwareJsonSchema());
});
