import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { captureModel } from '@bitwright/capture';
import { DIALECTS, type Dialect, detectDialect, findDialect, IMPORTERS } from '@bitwright/dialects';
import { randomFloats } from '@bitwright/runtime';
import { InferenceSession } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { opTypes } from '../fusions/support.js';
import { temporaryFolder } from '../support/cli.js';
import { INPUT, lifted, outputsOf, quantizedNet, quantizersOf, written } from './support.js';

const WIDTHS = [2, 3, 4, 5, 6, 7, 8, 16] as const;
const inputs = [11, 12, 13].map((seed) => randomFloats(INPUT, [-2, 2], seed));
const running = DIALECTS.filter((dialect) => dialect.runsInOnnxRuntime);

function canWrite(dialect: Dialect, bits: number): boolean {
  return dialect.name !== 'qdq' || bits >= 8;
}

describe.each(running)('$name', (dialect) => {
  for (const bits of WIDTHS.filter((width) => canWrite(dialect, width))) {
    it(`W${bits}A${bits}: what was written is read back, and written again computes the same bits`, async () => {
      const quantized = await quantizedNet({ weights: bits, activations: bits });
      const bytes = written(quantized, dialect);
      const { module, diagnostics } = lifted(bytes, dialect);
      expect(diagnostics).toEqual([]);
      expect(quantizersOf(module).size).toBe(17);
      expect(quantizersOf(module)).toEqual(quantizersOf(quantized));
      const again = written(module, dialect);
      for (const mode of ['default', 'faithful'] as const)
        expect(await outputsOf(again, inputs, mode)).toEqual(await outputsOf(bytes, inputs, mode));
    });
  }

  it('is told from the operators of its files', async () => {
    const bits = dialect.name === 'qdq' ? 8 : 4;
    const module = captureModel(written(await quantizedNet({ weights: bits, activations: bits }), dialect));
    expect(detectDialect(module)?.name).toBe(dialect.name);
  });
});

describe('what a file may hold', () => {
  const qcdq = findDialect('qcdq', true);

  it.each([
    { bias: 'int8' },
    { bias: 'int16' },
    { bias: 'float' },
    { perChannel: false },
    { symmetricWeights: false },
    { powerOfTwo: true },
    { symmetricActivations: true },
    { weights: 8, activations: 8, symmetricWeights: false },
    { weights: 2, activations: 8 },
  ] as const)('W4A4 with %j', async (config) => {
    const quantized = await quantizedNet({ weights: 4, activations: 4, ...config });
    const bytes = written(quantized, qcdq);
    const { module, diagnostics } = lifted(bytes, qcdq);
    expect(diagnostics).toEqual([]);
    expect(quantizersOf(module)).toEqual(quantizersOf(quantized));
    expect(await outputsOf(written(module, qcdq), inputs, 'default')).toEqual(
      await outputsOf(bytes, inputs, 'default'),
    );
  });

  it('layers of the academic scheme, whose rest is float', async () => {
    const quantized = await quantizedNet({ weights: 4, activations: 4 }, 'academic');
    const bytes = written(quantized, qcdq);
    const { module, diagnostics } = lifted(bytes, qcdq);
    expect(diagnostics).toEqual([]);
    expect(quantizersOf(module)).toEqual(quantizersOf(quantized));
    expect(await outputsOf(written(module, qcdq), inputs, 'faithful')).toEqual(
      await outputsOf(bytes, inputs, 'faithful'),
    );
  });
});

describe('qonnx', () => {
  const qonnx = findDialect('qonnx', true);
  const qcdq = findDialect('qcdq', true);

  it.each([2, 3, 4, 8] as const)('W%iA%i is read back, and computes what it did', async (bits) => {
    const quantized = await quantizedNet({
      weights: bits,
      activations: bits,
      symmetricActivations: true,
      bias: 'int16',
    });
    const bytes = written(quantized, qonnx);
    expect(detectDialect(captureModel(bytes))).toBe(qonnx);
    const { module, diagnostics } = lifted(bytes, qonnx);
    expect(diagnostics).toEqual([]);
    expect(module.opsets.has('qonnx.custom_op.general')).toBe(false);
    expect(quantizersOf(module)).toEqual(quantizersOf(quantized));
    expect(await outputsOf(written(module, qcdq), inputs, 'faithful')).toEqual(
      await outputsOf(written(quantized, qcdq), inputs, 'faithful'),
    );
  });
});

describe('qoperator', () => {
  const qoperator = IMPORTERS.find(({ name }) => name === 'qoperator')!;
  const qdq = findDialect('qdq', false);

  it('reads what ONNX Runtime makes of a QDQ file, and computes the same bits', async () => {
    const quantized = await quantizedNet({});
    const path = join(temporaryFolder(), 'qoperator.onnx');
    const session = await InferenceSession.create(written(quantized, qdq), {
      graphOptimizationLevel: 'extended',
      optimizedModelFilePath: path,
      logSeverityLevel: 4,
    });
    await session.release();
    const bytes = readFileSync(path);
    expect(detectDialect(captureModel(bytes))).toBe(qoperator);
    const { module, diagnostics } = lifted(bytes, qoperator);
    expect(diagnostics).toEqual([]);
    expect(opTypes(module).filter((type) => type.startsWith('Q') && type !== 'QuantStub')).toEqual([]);
    expect(quantizersOf(module)).toEqual(quantizersOf(quantized));
    expect(await outputsOf(written(module, qdq), inputs, 'default')).toEqual(
      await outputsOf(bytes, inputs, 'default'),
    );
  });
});
