import { type AccuracyContext, diagnoseAccuracy } from '@bitwright/analyze';
import type { Diagnostic } from '@bitwright/core';
import { assertReadable } from '@bitwright/core/node';
import type { GraphModule } from '@bitwright/graph';
import {
  type Evaluation,
  type ExecutionMode,
  type Executor,
  evaluate,
  openOrtNode,
} from '@bitwright/runtime';
import { openDataInput } from './data-input.js';
import { accumulatorOf, bitsOf, conventionOf } from './metadata.js';
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
  readonly mode: ExecutionMode;
  /** What was quantized and how, so that the figure can be compared. */
  readonly convention: string;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Counts correct answers of each model over the same labelled data, in stock ONNX Runtime unless `faithful`.
 *
 * @param float what the float model has on these samples, where that was counted before.
 */
export async function evaluateModels(
  models: readonly ModelInput[],
  options: EvaluateModelsOptions,
  hooks: RunHooks = {},
  float?: AccuracyContext['float'],
): Promise<ModelEvaluation[]> {
  if (options.samples !== undefined) positiveInteger('--samples', options.samples);
  const open = hooks.open ?? openOrtNode;
  const mode = options.faithful === true ? 'faithful' : 'default';
  const { reference } = options;
  for (const model of [...models, reference]) if (typeof model === 'string') assertReadable(model);
  const compared =
    reference === undefined ? undefined : await open(modelBytes(reference), { name: modelName(reference) });
  const results: ModelEvaluation[] = [];
  try {
    for (const model of models) {
      const { module, ...counted } = await evaluateOne(model, options, hooks, mode, compared);
      results.push({
        ...counted,
        diagnostics: [...counted.diagnostics, ...diagnosed(counted, module, float)],
      });
    }
  } finally {
    await compared?.release();
  }
  return results;
}

function diagnosed(
  counted: ModelEvaluation,
  module: GraphModule,
  known: AccuracyContext['float'],
): Diagnostic[] {
  const { path, classes, total, referenceCorrect } = counted;
  const bits = bitsOf(module);
  const accumulatorBits = accumulatorOf(module);
  const float =
    known ?? (referenceCorrect === undefined ? undefined : { correct: referenceCorrect, total, classes });
  return diagnoseAccuracy(counted, {
    model: path,
    ...(bits && { bits: [bits.weights, bits.activations] }),
    ...(accumulatorBits !== undefined && { accumulatorBits }),
    ...(float && { float }),
  });
}

async function evaluateOne(
  model: ModelInput,
  options: EvaluateModelsOptions,
  hooks: RunHooks,
  mode: ExecutionMode,
  reference: Executor | undefined,
): Promise<ModelEvaluation & { readonly module: GraphModule }> {
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
    return { path, ...counted, mode, convention, diagnostics: data.diagnostics, module };
  } finally {
    await executor.release();
  }
}
