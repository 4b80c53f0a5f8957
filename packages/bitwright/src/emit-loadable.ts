import type { BackendConfig } from '@bitwright/backends';
import { BitwrightError } from '@bitwright/core';
import { emitBytes } from '@bitwright/emit';
import type { GraphModule } from '@bitwright/graph';
import { nearestOperator } from '@bitwright/rewrite';
import { openOrtNode } from '@bitwright/runtime';
import { type ModelInput, modelName } from './model-file.js';
import type { RunHooks } from './run-hooks.js';

/** The file that is about to be written. */
export interface FileToLoad {
  readonly dialect: { readonly name: string };
  /** The table, where there is one; with the guards `none` another program than ONNX Runtime reads the file. */
  readonly backend?: Pick<BackendConfig, 'guards'>;
  /** The model that was given; messages call it by its name. */
  readonly model: ModelInput;
}

/**
 * The bytes of a lowered model, opened once in the runtime, so that no file is written which a stock runtime refuses.
 * Calibration runs the model only up to the last tensor that it observes; this finds what stands behind it. A file in
 * `qonnx`, or for another program, is not opened.
 *
 * @throws RUNTIME_UNSUPPORTED_OPERATOR naming the node, RUNTIME_LOAD_FAILED, and what {@link emitBytes} throws.
 */
export async function emitLoadable(
  module: GraphModule,
  file: FileToLoad,
  hooks: RunHooks,
): Promise<Uint8Array> {
  const bytes = emitBytes(module);
  if (file.dialect.name === 'qonnx' || file.backend?.guards === 'none') return bytes;
  const open = hooks.open ?? openOrtNode;
  try {
    // a session made from bytes has no folder in which to look for external data
    const executor = await open(emitBytes(module, { external: 'inline' }), { name: modelName(file.model) });
    await executor.release();
  } catch (thrown) {
    throw thrown instanceof BitwrightError ? explained(thrown, module, modelName(file.model)) : thrown;
  }
  return bytes;
}

function explained(thrown: BitwrightError, module: GraphModule, name: string): BitwrightError {
  const { code, message, at } = thrown;
  if (code !== 'RUNTIME_UNSUPPORTED_OPERATOR') {
    const hint =
      'Nothing was written. Look whether the runtime loads the float model (bitwright evaluate); if it does, report this as a defect.';
    return new BitwrightError({ code, message, hint, at, cause: thrown });
  }
  const [, operator] = /^(?:.*:)?([A-Za-z_]\w*)/.exec(at.node ?? '') ?? [];
  const node = [...module.graph.ops()].find(({ opType }) => opType === operator);
  const meant = node?.domain === '' ? nearestOperator(node.opType) : undefined;
  return new BitwrightError({
    code,
    message: node === undefined ? message : `The node '${node.displayName}' cannot run. ${message}`,
    hint: `${meant === undefined ? '' : `Did you mean '${meant}'? `}Export this part with standard ONNX operators, or cut it off. For a program that has the operator, take a backend table with guards none. Nothing was written.`,
    at: node === undefined ? at : { file: name, node: node.displayName },
    cause: thrown,
  });
}
