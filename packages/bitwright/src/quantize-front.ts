import { BitwrightError } from '@bitwright/core';
import type { BudgetPoint, BudgetReport } from '@bitwright/quantize';
import type { WrittenPoint } from './budget-points.js';
import { evaluateModels } from './evaluate-models.js';
import type { ModelInput } from './model-file.js';
import { makeFolder } from './node/sweep-folder.js';
import { writeFolder } from './node/write-folder.js';
import { type QuantizeResult, quantize } from './quantize.js';
import type { QuantizeOptions } from './quantize-options.js';
import type { RunHooks } from './run-hooks.js';
import { SharedWork } from './shared-work.js';
import { assertModelWritable, filesOfModel, type ModelFiles, writeModel } from './write-model.js';

/** A quantization under a budget whose front is quantized too. */
export interface FrontOptions extends QuantizeOptions {
  /** The folder of the front's models. */
  readonly front: string;
}

/** A point of a budget's front as a model. */
export interface FrontModel extends WrittenPoint, ModelFiles {}

/** What `quantize` gives, and the front: from the smallest to the widest, each with the name of its file. */
export interface FrontResult extends QuantizeResult {
  readonly front: readonly (Omit<WrittenPoint, 'point'> & Pick<BudgetPoint, 'cost' | 'share'>)[];
}

/**
 * Quantizes a model under a budget, and every point of the budget's front, each counted where there is labelled data; then
 * writes all of them.
 *
 * @throws BitwrightError; no file is written then.
 */
export async function quantizeFront(
  model: ModelInput,
  options: FrontOptions,
  hooks: RunHooks = {},
): Promise<FrontResult> {
  const { output, front, ...rest } = options;
  assertModelWritable(options);
  assertFront(options);
  const shared = new SharedWork();
  const result = await quantize(model, rest, hooks, shared);
  const models = await quantizePoints(model, options, result, hooks, shared);
  if (output !== undefined) writeModel(output, result);
  writePoints(front, models);
  return { ...result, ...(output !== undefined && { output }), front: listed(models) };
}

/** Refuses a front without a budget, and a folder that can't be written. @throws OPTION_MISSING (wrong usage), OUTPUT_UNWRITABLE. */
export function assertFront({ front, budget }: FrontOptions): void {
  if (budget === undefined)
    throw new BitwrightError({
      code: 'OPTION_MISSING',
      message: '--budget is missing: --front writes the models of its search.',
      hint: 'Write for example: --budget size=0.5 --front front',
      at: { option: '--budget' },
      kind: 'usage',
    });
  makeFolder(front, '--front');
}

/** Quantizes the points of a budget's front, as the model of the budget was quantized, and counts them where that was. */
export async function quantizePoints(
  model: ModelInput,
  options: FrontOptions,
  { budget, accuracy }: QuantizeResult,
  hooks: RunHooks,
  shared: SharedWork,
): Promise<FrontModel[]> {
  const { evaluation } = options;
  const models: FrontModel[] = [];
  for (const [i, point] of budget!.front.entries()) {
    hooks.onProgress?.('quantizing the front', i, budget!.front.length);
    const { bytes, accumulators } = await quantize(model, optionsOf(point, options), hooks, shared);
    const file = `point-${String(i + 1).padStart(2, '0')}.onnx`;
    const counted =
      accuracy && evaluation !== undefined
        ? (await evaluateModels([bytes], { data: evaluation }, hooks, accuracy.float))[0]
        : undefined;
    models.push({
      ...{ point, file, bytes, accumulators },
      ...(counted && { correct: counted.correct, total: counted.total }),
    });
  }
  return models;
}

/** The options of one point: its mapping in place of the budget. */
function optionsOf({ mapping }: BudgetReport['front'][number], options: FrontOptions): QuantizeOptions {
  const {
    front: _front,
    budget: _budget,
    latency: _latency,
    output: _output,
    saveRanges: _saveRanges,
    ...rest
  } = options;
  const { maxDrop: _maxDrop, evaluation: _evaluation, ...own } = rest;
  return { ...own, mapping: { ...own.mapping, names: { ...own.mapping?.names, ...mapping.names } } };
}

/** Writes the models of a front under their names. @throws OUTPUT_UNWRITABLE. */
export function writePoints(folder: string, models: readonly FrontModel[]): void {
  writeFolder(folder, new Map(models.flatMap((model) => filesOfModel(model.file, model))));
}

/** A front as a result lists it. */
export function listed(models: readonly FrontModel[]): FrontResult['front'] {
  return models.map(({ point: { cost, share }, bytes: _bytes, accumulators: _proof, ...rest }) => ({
    cost,
    share,
    ...rest,
  }));
}
