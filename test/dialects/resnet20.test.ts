import { join } from 'node:path';
import { captureModel } from '@bitwright/capture';
import { detectDialect, findDialect, QONNX_DOMAIN } from '@bitwright/dialects';
import { constantTensor, isQuantizer, QuantizedTensor, qparamsOf } from '@bitwright/graph';
import { randomFloats } from '@bitwright/runtime';
import { quantize } from 'bitwright';
import { describe, expect, it } from 'vitest';
import { ASSETS } from '../support/cli.js';
import { lifted, outputsOf, quantizersOf, written } from './support.js';

const CASES = [
  ['qdq', 'W8A8'],
  ['qdq', 'W4A16'],
  ['qcdq', 'W4A4'],
  ['qcdq', 'W3A6'],
  ['native', 'W4A4'],
  ['native', 'W2A8'],
  ['qonnx', 'W4A4'],
] as const;

describe.skipIf(ASSETS === undefined)('ResNet-20, quantized, read back and written again', () => {
  const model = join(ASSETS ?? '', 'models/resnet20_cifar10_bn.onnx');
  const data = join(ASSETS ?? '', 'data/cifar10_calibration.card.json');
  const inputs = [randomFloats([4, 3, 32, 32], [-2, 2], 1)];

  it.each(CASES)('%s %s', async (name, bits) => {
    const { bytes } = await quantize(model, {
      bits,
      scheme: 'integer-only',
      dialect: name,
      data,
      samples: 8,
      method: 'fast',
    });
    const dialect = findDialect(name, false);
    expect(detectDialect(captureModel(bytes))).toBe(dialect);
    const { module, diagnostics } = lifted(bytes, dialect);
    expect(diagnostics).toEqual([]);
    const [weights, activations] = /W(\d+)A(\d+)/.exec(bits)!.slice(1).map(Number);
    const ops = [...module.graph.ops()];
    expect(ops.filter(({ domain, opType }) => domain === QONNX_DOMAIN || /zeLinear$/.test(opType))).toEqual(
      [],
    );
    const grids = ops.filter(isQuantizer).map((node) => ({ node, ...qparamsOf(node) }));
    expect(new Set(grids.filter(({ role }) => role === 'weight').map((grid) => grid.bits))).toEqual(
      new Set([weights]),
    );
    expect(new Set(grids.filter(({ role }) => role === 'activation').map((grid) => grid.bits))).toEqual(
      new Set([activations]),
    );
    const constants = grids.filter(({ role }) => role !== 'activation');
    expect(constants).toHaveLength(40);
    for (const { node } of constants) expect(constantTensor(node.inputs[0])).toBeInstanceOf(QuantizedTensor);

    const again = written(module, dialect);
    expect(quantizersOf(lifted(again, dialect).module)).toEqual(quantizersOf(module));
    if (!dialect.runsInOnnxRuntime) return;
    for (const mode of ['default', 'faithful'] as const)
      expect(await outputsOf(again, inputs, mode, module.graph.inputs[0]!.name)).toEqual(
        await outputsOf(bytes, inputs, mode, module.graph.inputs[0]!.name),
      );
  });
});
