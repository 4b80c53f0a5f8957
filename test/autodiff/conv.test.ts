import fc from 'fast-check';
import { expect, it } from 'vitest';
import { checkGradients } from './gradient-check.js';

const axis = fc.record({
  kernel: fc.integer({ min: 1, max: 3 }),
  stride: fc.integer({ min: 1, max: 3 }),
  dilation: fc.integer({ min: 1, max: 2 }),
  before: fc.integer({ min: 0, max: 3 }),
  behind: fc.integer({ min: 0, max: 3 }),
  extra: fc.integer({ min: 0, max: 4 }),
});

const conv = fc.record({
  axes: fc.array(axis, { minLength: 1, maxLength: 3 }),
  groups: fc.integer({ min: 1, max: 3 }),
  inputs: fc.integer({ min: 1, max: 2 }),
  outputs: fc.integer({ min: 1, max: 2 }),
  batch: fc.integer({ min: 1, max: 2 }),
  autoPad: fc.constantFrom('NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID'),
  seed: fc.integer({ min: 1, max: 1e6 }),
});

it('the gradients of any convolution are those of central differences', async () => {
  await fc.assert(
    fc.asyncProperty(conv, async ({ axes, groups, inputs, outputs, batch, autoPad, seed }) => {
      const list = (values: readonly number[]): string => `[${values.join(',')}]`;
      const sizes = axes.map(({ kernel, dilation, extra }) => (kernel - 1) * dilation + 1 + extra);
      const explicit = autoPad === 'NOTSET';
      // the runtime refuses automatic padding together with dilations
      const dilations = axes.map(({ dilation }) => (explicit || autoPad === 'VALID' ? dilation : 1));
      const places = axes.map(({ kernel, stride, before, behind }, i) => {
        if (autoPad.startsWith('SAME')) return Math.ceil(sizes[i]! / stride);
        const room = sizes[i]! + (explicit ? before + behind : 0);
        return Math.floor((room - (kernel - 1) * dilations[i]! - 1) / stride) + 1;
      });
      const pads = [...axes.map(({ before }) => before), ...axes.map(({ behind }) => behind)];
      const channels = groups * outputs;
      const text = `g (float[${[batch, groups * inputs, ...sizes]}] x,
          float[${[channels, inputs, ...axes.map(({ kernel }) => kernel)]}] w, float[${channels}] b)
        => (float[${[batch, channels, ...places]}] y) {
        y = Conv<group=${groups}, strides=${list(axes.map(({ stride }) => stride))}, dilations=${list(dilations)},
          ${explicit ? `pads=${list(pads)}` : `auto_pad="${autoPad}"`}>(x, w, b) }`;
      const { analytic, numeric, size } = await checkGradients(text, seed, undefined, 1e-2);
      expect(Math.abs(analytic - numeric)).toBeLessThan(1e-3 * size + 1e-3);
    }),
    { numRuns: 60, seed: 7 },
  );
});
