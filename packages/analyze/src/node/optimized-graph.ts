import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { captureModel } from '@bitwright/capture';
import { readFileBytes } from '@bitwright/core/node';
import type { GraphModule } from '@bitwright/graph';
import { type Executor, openOrtNode } from '@bitwright/runtime';

/**
 * Opens a model in a stock session and reads the graph that the runtime has made of it.
 *
 * @throws what opening throws.
 */
export async function openOptimized(
  model: Uint8Array,
  options: { readonly name: string; readonly threads?: number },
): Promise<{ readonly executor: Executor; readonly optimized: GraphModule }> {
  const folder = mkdtempSync(join(tmpdir(), 'bitwright-optimized-'));
  try {
    const path = join(folder, 'optimized.onnx');
    const executor = await openOrtNode(model, { ...options, optimizedModelPath: path });
    return { executor, optimized: captureModel(readFileBytes(path), { name: `${options.name}, optimized` }) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
