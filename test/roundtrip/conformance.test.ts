import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { captureModel } from '@bitwright/capture';
import { BitwrightError } from '@bitwright/core';
import { emitBytes } from '@bitwright/emit';
import { lint } from '@bitwright/graph';
import { canonicalBytes, decodeModel } from '@bitwright/onnx';
import { describe, expect, it } from 'vitest';
import { ASSETS, temporaryFolder } from '../support/cli.js';

const folder = join(ASSETS ?? '', 'conformance');

/** How many models of an archive come back as they were, and how many are refused, by code. */
function roundTrips(archive: string, extracted: string): Record<string, number> {
  execFileSync('tar', ['-xJf', join(folder, archive), '-C', extracted]);
  const counts: Record<string, number> = {};
  for (const path of readdirSync(extracted, { recursive: true, encoding: 'utf8' })) {
    if (!path.endsWith('.onnx')) continue;
    const outcome = roundTrip(readFileSync(join(extracted, path)));
    if (outcome === 'changed') throw new Error(`${path} changed`);
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  return counts;
}

function roundTrip(bytes: Uint8Array): string {
  try {
    const module = captureModel(bytes);
    lint(module);
    const before = canonicalBytes(decodeModel(bytes));
    const after = canonicalBytes(decodeModel(emitBytes(module)));
    return Buffer.compare(before, after) === 0 ? 'same' : 'changed';
  } catch (thrown) {
    if (thrown instanceof BitwrightError) return thrown.code;
    throw thrown;
  }
}

describe.skipIf(!existsSync(folder))('capture and emission of the conformance models', () => {
  const extracted = temporaryFolder();

  it('give back every backend test of ONNX', () => {
    expect(roundTrips('onnx-backend.tar.xz', extracted)).toEqual({ same: 1951 });
  });

  it("give back the runtime's own test models, or say what is wrong with them", () => {
    const other = temporaryFolder();
    expect(roundTrips('ort-testdata.tar.xz', other)).toEqual({
      same: 687,
      MODEL_NOT_SORTED: 88,
      MODEL_OPSET_ABSENT: 4,
      MODEL_IR_VERSION: 3,
      MODEL_NAME_ABSENT: 1,
      ONNX_NOT_PROTOBUF: 1,
    });
  });
});
