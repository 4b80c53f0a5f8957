import type { Diagnostic } from '@bitwright/core';
import { type Evaluation, type Executor, evaluate, openOrtNode } from '@bitwright/runtime';
import { openDataInput } from './data-input.js';
import { conventionOf } from './metadata.js';
import { inputSpecs, loadModel, type ModelInput, modelBytes, modelName } from './model-file.js';
import { type DataInput, positiveInteger } from './quantize-options.js';
import type { RunHooks } from './run-hooks.js';
import { assertRunnableOutputs } from './runtime-guards.js';

/** How models are evaluated. */
export interface EvaluateModelsOptions {
  /** Labelled data. */
  readonly data: DataInput;
  readonly samples?: number;
  /** The float model to count agreement with. */
  readonly reference?: ModelInput;
  /** Simulates quantizers exactly instead of running the stock session. */
  readonly faithful?: boolean;
  /** The output that holds the logits, where a model has several. */
  readonly output?: string;
}

/** The figures of one model. */
export interface ModelEvaluation extends Evaluation {
  readonly path: string;
  readonly mode: 'default' | 'faithful';
  /** What was quantized and how, so that the figure can be compared. */
  readonly convention: string;
  readonly diagnostics: readonly Diagnostic[];
}

/** Counts correct answers of each model over the same labelled data, in stock ONNX Runtime unless `faithful`. */
export async function evaluateModels(
  models: readonly ModelInput[],
  options: EvaluateModelsOptions,
  hooks: RunHooks = {},
): Promise<ModelEvaluation[]> {
  if (options.samples !== undefined) positiveInteger('--samples', options.samples);
  const open = hooks.open ?? openOrtNode;
  const mode = options.faithful === true ? 'faithful' : 'default';
  const { reference } = options;
  const compared =
    reference === undefined ? undefined : await open(modelBytes(reference), { name: modelName(reference) });
  const results: ModelEvaluation[] = [];
  try {
    for (const model of models) results.push(await evaluateOne(model, options, hooks, mode, compared));
  } finally {
    await compared?.release();
  }
  return results;
}

async function evaluateOne(
  model: ModelInput,
  options: EvaluateModelsOptions,
  hooks: RunHooks,
  mode: 'default' | 'faithful',
  reference: Executor | undefined,
): Promise<ModelEvaluation> {
  const path = modelName(model);
  const module = loadModel(model);
  assertRunnableOutputs(module, path);
  const data = await openDataInput(options.data, inputSpecs(module), {
    labels: 'needed',
    ...(options.samples !== undefined && { samples: options.samples }),
  });
  const open = hooks.open ?? openOrtNode;
  const executor = await open(modelBytes(model), { name: path, mode });
  const { onProgress, signal } = hooks;
  try {
    const counted = await evaluate(executor, data, {
      ...(options.output !== undefined && { output: options.output }),
      ...(reference && { reference }),
      ...(onProgress && { onProgress: (done, total) => onProgress(`evaluating ${path}`, done, total) }),
      ...(signal && { signal }),
    });
    const convention = conventionOf(module) + (data.synthetic ? ', random data' : '');
    return { path, ...counted, mode, convention, diagnostics: data.diagnostics };
  } finally {
    await executor.release();
  }
}
