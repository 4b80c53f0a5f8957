import { captureModel, upgradeOpset } from '@bitwright/capture';
import { emitBytes } from '@bitwright/emit';
import { lint } from '@bitwright/graph';
import { describe, expect, it } from 'vitest';
import { oneOpBytes } from './one-op.js';
import { OPERATOR_CASES } from './operator-cases.js';
import { difference, runModel } from './run-model.js';

describe('upgradeOpset keeps what an operator computes', () => {
  const cases = Object.entries(OPERATOR_CASES).flatMap(([name, op]) =>
    (op.targets ?? [13, 21, 25])
      .filter((target) => target > op.opset)
      .map((target) => ({ name, op, target })),
  );

  it.each(cases)('$name to $target', async ({ op, target }) => {
    const before = oneOpBytes(op);
    const { module, diagnostics } = upgradeOpset(captureModel(before), target);
    lint(module, 'upgradeOpset');
    expect(diagnostics).toEqual([]);
    const after = emitBytes(module);
    expect(captureModel(after).opset).toBe(target);
    const expected = await runModel(before, op.feeds);
    expect(difference(expected, await runModel(after, op.feeds), 1e-6)).toBeUndefined();
  });
});
