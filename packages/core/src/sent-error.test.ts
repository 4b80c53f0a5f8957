import { expect, it } from 'vitest';
import { BitwrightError } from './errors.js';
import { packError, unpackError } from './sent-error.js';

const crossed = (thrown: unknown): Error => unpackError(structuredClone(packError(thrown)));

it('keeps the code, place and remedy of an error across threads', () => {
  const error = new BitwrightError({ code: 'X', message: 'm', hint: 'h', at: { node: 'n' } });
  expect(crossed(error)).toBeInstanceOf(BitwrightError);
  expect(crossed(error)).toMatchObject({ code: 'X', message: 'm', hint: 'h', at: { node: 'n' } });
});

it('gives what was not thrown on purpose no code', () => {
  expect(crossed(new TypeError('odd'))).not.toBeInstanceOf(BitwrightError);
  expect(crossed(new TypeError('odd')).message).toBe('TypeError: odd');
});
