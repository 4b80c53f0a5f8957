import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeModel } from '@bitwright/onnx';
import { openOrtNode } from '@bitwright/runtime';

/** Moves of data between layouts, which depend on the CPU. */
const LAYOUT = new Set(['Transpose', 'ReorderInput', 'ReorderOutput']);

/** The operators that a stock session really runs, in order, without those that only change a layout. */
export async function operatorsRun(bytes: Uint8Array): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'bitwright-operators-'));
  const optimizedModelPath = join(folder, 'optimized.onnx');
  try {
    await (await openOrtNode(bytes, { optimizedModelPath })).release();
    const { graph } = decodeModel(readFileSync(optimizedModelPath));
    return (graph?.node ?? []).map(({ opType }) => opType ?? '').filter((opType) => !LAYOUT.has(opType));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
