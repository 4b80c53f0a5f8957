import { expect, it } from 'vitest';
import { BitwrightError, describeThrown } from './errors.js';

it('carries code, hint, place, kind and cause', () => {
  const cause = new Error('disk full');
  const error = new BitwrightError({
    code: 'OUTPUT_UNWRITABLE',
    message: 'It cannot be written.',
    hint: 'Make room.',
    at: { file: 'a.onnx' },
    cause,
    kind: 'usage',
  });
  expect(error).toBeInstanceOf(Error);
  expect(error.cause).toBe(cause);
  expect(error.kind).toBe('usage');
  expect(error.docs).toBe('docs/reference/errors.md#output_unwritable');
  expect(JSON.parse(JSON.stringify(error))).toEqual({
    code: 'OUTPUT_UNWRITABLE',
    message: 'It cannot be written.',
    hint: 'Make room.',
    at: { file: 'a.onnx' },
  });
});

it('is a fault of the input, without place or cause, unless it says otherwise', () => {
  const error = new BitwrightError({ code: 'X', message: 'x', hint: 'y' });
  expect(error.kind).toBe('input');
  expect(error.at).toEqual({});
  expect(Object.hasOwn(error, 'cause')).toBe(false);
});

it('describes whatever was thrown', () => {
  expect(describeThrown(new Error('why'))).toBe('why');
  expect(describeThrown('why')).toBe('why');
  expect(describeThrown(undefined)).toBe('undefined');
});
