import { seededRandom } from '@bitwright/core';
import { qparamsOf } from '@bitwright/graph';
import { openOrtNode } from '@bitwright/runtime';
import { expect, it } from 'vitest';
import { preparedModel } from '../../test/prepared-model.js';
import { sampleData } from '../../test/sample-data.js';
import { calibrate } from '../calibrate.js';
import { openSpillFile } from '../node/spill-file.js';
import type { Observer } from '../observers/observer.js';
import { findObserver } from '../observers/registry.js';
import { RECIPES } from '../recipes.js';
import { quantizeSequentially } from './sequential-pass.js';

/** A layer whose first input channel is eight times as large as the others; its weight is what a test says. */
const net = (first: number): string => `g (float[N,3,8,8] x) => (float[N,2,8,8] y)
  <float[2,3,1,1] w = {${first}, 0.5, -0.25, ${first}, 0.3, 0.7}> { y = Conv(x, w) }`;

const data = sampleData(12, [3, 8, 8], (index, length) => {
  const random = seededRandom(index + 1);
  return Float32Array.from({ length }, (_, at) => (random() * 2 - 1) * (at < 64 ? 8 : 1));
});

/** The scale that the layer's input gets. */
async function inputScale(first: number, observer: Observer): Promise<number> {
  const prepared = preparedModel(net(first), { bits: 'W4A4' });
  await quantizeSequentially(prepared, {
    open: openOrtNode,
    openSpill: openSpillFile,
    data,
    observer,
    weightSearch: 'mse',
    recipe: RECIPES.find(({ name }) => name === 'balanced')!,
    memory: 2 ** 28,
  });
  const group = prepared.groups.find(({ root }) => root.name === 'x')!;
  return qparamsOf(group.quantizers[0]!).scale[0]!;
}

it('gives up values that the layer does not use, and keeps those that it does', async () => {
  const [aware, tensor] = [findObserver('output-aware'), findObserver('mse')];
  const unused = [await inputScale(0, aware), await inputScale(0, tensor)] as const;
  expect(unused[0]).toBeLessThan(0.5 * unused[1]);
  const used = [await inputScale(1, aware), await inputScale(1, tensor)] as const;
  expect(used[0]).toBeGreaterThan(0.85 * used[1]);
});

it('says where no layers are looked at', async () => {
  const prepared = preparedModel(net(1), { bits: 'W4A4' });
  const options = { open: openOrtNode, data, memory: 2 ** 28 };
  const { diagnostics } = await calibrate(prepared, { ...options, observer: findObserver('output-aware') });
  expect(diagnostics).toMatchObject([{ code: 'OBSERVER_NOT_REFINED', at: { option: '--observer' } }]);
});
