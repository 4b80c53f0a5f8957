import { BitwrightError, type Diagnostic } from '@bitwright/core';
import { detectDialect } from '@bitwright/dialects';
import type { GraphModule } from '@bitwright/graph';
import { loadModel, type ModelInput, modelName } from './model-file.js';

/**
 * Reads a quantized file of any dialect into the quantized graph.
 *
 * @throws SIMULATE_FLOAT_MODEL for a float model, with the command that quantizes it.
 */
export function loadQuantized(model: ModelInput): { module: GraphModule; diagnostics: Diagnostic[] } {
  const module = loadModel(model);
  const dialect = detectDialect(module);
  if (dialect !== undefined) return { module, diagnostics: dialect.lift(module) };
  const name = modelName(model);
  throw new BitwrightError({
    code: 'SIMULATE_FLOAT_MODEL',
    message: `'${name}' is float: it has no integer codes.`,
    hint: `Quantize it first: bitwright quantize ${typeof model === 'string' ? model : 'model.onnx'} -o quantized.onnx --bits W8A8 --scheme integer-only --data calibration.json`,
    at: { file: name },
  });
}
