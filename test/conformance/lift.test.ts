import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkArchive, count, folder } from './check-archive.js';

/**
 * Quantized models of other tools, read into the quantized graph and written as qcdq, compute the same bits: float simulation on
 * both sides, at optimization level `disabled`.
 */
describe.skipIf(!existsSync(folder))("ONNX Runtime's own quantized models", () => {
  it('are read and written again with the same outputs, or named with a reason', () => {
    const { models, entries } = checkArchive('ort-testdata.tar.xz', 'check-lift.mjs');
    const quantized = entries.filter(({ dialect }) => dialect !== undefined);
    process.stdout.write(
      `ONNX Runtime's quantized models: ${JSON.stringify(count(quantized.map(({ outcome }) => outcome)))}, ` +
        `what stays: ${JSON.stringify(count(quantized.flatMap(({ reasons = [] }) => reasons)))}\n`,
    );
    const wrong = entries.filter(({ outcome }) => ['failed', 'different', 'crashed'].includes(outcome));
    expect(wrong.map(({ index, outcome, reason }) => `${models[index]} ${outcome}: ${reason}`)).toEqual([]);
    expect(quantized.filter(({ outcome }) => outcome === 'equal').length).toBeGreaterThanOrEqual(44);
    for (const { outcome, reasons } of quantized)
      if (outcome === 'nothing read') expect(reasons).not.toEqual([]);
  }, 300_000);
});
