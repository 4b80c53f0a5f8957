import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { captureModel, upgradeOpset } from '@bitwright/capture';
import { emitBytes } from '@bitwright/emit';
import { lint } from '@bitwright/graph';
import { decodeModel } from '@bitwright/onnx';
import { describe, expect, it } from 'vitest';
import { ASSETS } from '../support/cli.js';
import { difference, randomFeeds, runModel } from './run-model.js';

const folder = join(ASSETS ?? '', 'models');
/** Variants of one network would only take time. */
const VARIANT = /_(ls0\.1|mse)\.onnx$|^super_resolution/;
const models = existsSync(folder)
  ? readdirSync(folder).filter((name) => name.endsWith('.onnx') && !VARIANT.test(name))
  : [];

describe.skipIf(models.length === 0)('upgradeOpset keeps what a real model computes', () => {
  it.each(models)('%s', async (name) => {
    const bytes = readFileSync(join(folder, name));
    const feeds = randomFeeds(decodeModel(bytes));
    const expected = await runModel(bytes, feeds);
    for (const target of [13, 21, 25]) {
      const { module, diagnostics } = upgradeOpset(captureModel(bytes), target);
      lint(module, 'upgradeOpset');
      expect(diagnostics).toEqual([]);
      const after = await runModel(emitBytes(module), feeds);
      expect([target, difference(expected, after, 1e-6)]).toEqual([target, undefined]);
    }
  });
});
