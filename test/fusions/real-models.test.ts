import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { captureModel } from '@bitwright/capture';
import { elementCount, integerData, seededRandom } from '@bitwright/core';
import { fusionRules } from '@bitwright/fusions';
import { constantTensor, lint } from '@bitwright/graph';
import { applyRules, foldConstants } from '@bitwright/rewrite';
import * as ort from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { ASSETS } from '../support/cli.js';
import { largestDifference, opTypes, randomInput, run } from './support.js';

const MODELS = join(ASSETS ?? '', 'models');

const count = (types: readonly string[], type: string) => types.filter((each) => each === type).length;

interface Expected {
  readonly input: readonly number[];
  /** The largest difference to the unfused model, relative to the largest output (at least 1). */
  readonly tolerance: number;
  /** How many of some operators are left. */
  readonly left: Readonly<Record<string, number>>;
  /** Codes of the matches that rules left alone. */
  readonly refused?: readonly string[];
}

/**
 * Random images around zero, both graphs run as they are written. Weights are rounded once more when they are folded, so
 * that some ten layers differ by some ten units of float32 (1.2e-7). Measured on x86-64 with ONNX Runtime 1.30:
 * resnet20 5.3e-7, resnet8 1.8e-7, vww 1.2e-6, efficientnet 1.0e-6, etinynet 1.2e-6, ultraface 1.1e-6.
 */
const EXPECTED: Readonly<Record<string, Expected>> = {
  'resnet20_cifar10_bn.onnx': {
    input: [2, 3, 32, 32],
    tolerance: 5e-6,
    left: {
      Conv: 19,
      BatchNormalization: 0,
      Pad: 2,
      Constant: 0,
      Shape: 0,
      Gather: 0,
      Concat: 0,
      ConstantOfShape: 0,
      Slice: 4,
    },
  },
  'resnet20_cifar10_folded.onnx': {
    input: [2, 3, 32, 32],
    tolerance: 5e-6,
    left: { Conv: 19, Pad: 2, Slice: 4 },
  },
  'mlperf_tiny_resnet8_cifar10.onnx': {
    input: [2, 3, 32, 32],
    tolerance: 5e-6,
    left: { Conv: 9, BatchNormalization: 0 },
  },
  'mlperf_tiny_vww_mobilenet025.onnx': {
    input: [2, 3, 96, 96],
    tolerance: 5e-6,
    left: { Conv: 27, BatchNormalization: 0 },
  },
  'efficientnet_lite0_imagenet_bn.onnx': {
    input: [1, 3, 224, 224],
    tolerance: 5e-6,
    left: { Conv: 49, BatchNormalization: 0 },
  },
  'etinynet_1.0_imagenet_bn.onnx': {
    input: [1, 3, 224, 224],
    tolerance: 5e-6,
    left: { Conv: 44 + 29, BatchNormalization: 0 },
    refused: ['RULE_PADDED_SHIFT'],
  },
  'ultraface_RFB-320.onnx': {
    input: [1, 3, 240, 320],
    tolerance: 5e-6,
    left: { Conv: 52, BatchNormalization: 0, Shape: 0, Gather: 0, Reshape: 8 },
  },
  'resnet18_l3_cifar10head_ce.onnx': { input: [1, 3, 32, 32], tolerance: 0, left: { Conv: 15, Resize: 1 } },
  'squeezenet1.1_fp32.onnx': { input: [1, 3, 224, 224], tolerance: 0, left: { Conv: 26 } },
};

function passes(bytes: Uint8Array) {
  const module = captureModel(bytes);
  const folded = foldConstants(module);
  lint(module, 'foldConstants');
  const report = applyRules(module, fusionRules);
  lint(module, 'fusionRules');
  return { module, folded, report };
}

describe('real models compute the same after all passes', () => {
  for (const [file, { input, tolerance, left, refused = [] }] of Object.entries(EXPECTED)) {
    const path = join(MODELS, file);
    test.skipIf(!existsSync(path))(file, async () => {
      const bytes = readFileSync(path);
      const { module, report } = passes(bytes);
      const types = opTypes(module);
      expect(Object.fromEntries(Object.keys(left).map((type) => [type, count(types, type)]))).toEqual(left);
      expect(report.rejected.map(({ code }) => code)).toEqual(refused);
      const feeds = { input: randomInput(input, 1) };
      const difference = largestDifference(await run(bytes, feeds), await run(module, feeds));
      expect(difference).toBeLessThanOrEqual(tolerance);
    });
  }

  const resnet20 = join(MODELS, 'resnet20_cifar10_bn.onnx');
  test.skipIf(!existsSync(resnet20))('the pads of the shortcuts of option A become constants', () => {
    const { module } = passes(readFileSync(resnet20));
    const pads = [...module.graph.ops()].filter(({ opType }) => opType === 'Pad');
    expect(pads.map(({ inputs }) => integerData(constantTensor(inputs[1])!))).toEqual([
      [0, 8, 0, 0, 0, 8, 0, 0],
      [0, 16, 0, 0, 0, 16, 0, 0],
    ]);
    expect(pads.map(({ output }) => output.shape?.slice(1))).toEqual([
      [32, 16, 16],
      [64, 8, 8],
    ]);
  });

  const silero = join(MODELS, 'silero_vad_16k_op15.onnx');
  test.skipIf(!existsSync(silero))(
    'silero: bodies, recurrence and open sizes pass, bit for bit',
    async () => {
      const bytes = readFileSync(silero);
      const { module, report } = passes(bytes);
      expect(new Set(report.applied.map(({ rule }) => rule))).toEqual(new Set(['drop-single-operand']));
      const random = seededRandom(5);
      const float = (dims: number[]) =>
        new ort.Tensor(
          'float32',
          Float32Array.from({ length: elementCount(dims) }, () => random() - 0.5),
          dims,
        );
      for (const batch of [1, 3]) {
        const feeds = {
          input: float([batch, 576]),
          state: float([2, batch, 128]),
          sr: new ort.Tensor('int64', BigInt64Array.of(16000n), []),
        };
        expect(largestDifference(await run(bytes, feeds), await run(module, feeds))).toBe(0);
      }
    },
  );
});
