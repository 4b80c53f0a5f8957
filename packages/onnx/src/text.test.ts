import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeText, encodeText } from './index.js';

it('any bytes come back as they were', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 30 }), (bytes) => {
      expect(encodeText(decodeText(bytes))).toEqual(bytes);
    }),
    { numRuns: 300 },
  );
});

it('any text is plain UTF-8', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(Buffer.from(encodeText(text)).toString('utf8')).toBe(text);
      expect(decodeText(Buffer.from(text))).toBe(text);
    }),
  );
});

it('a byte that is not UTF-8 is kept as a lone surrogate', () => {
  expect(decodeText(Uint8Array.of(0x41, 0x80, 0xf0, 0x9f))).toBe('A\udc80\udcf0\udc9f');
  expect(encodeText('😀\ud800')).toEqual(Uint8Array.of(0xf0, 0x9f, 0x98, 0x80, 0xef, 0xbf, 0xbd));
});
