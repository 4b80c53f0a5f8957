import type { GraphModule, Value } from '@bitwright/graph';
import {
  type ChannelKnowledge,
  ChannelMoments,
  type CorrectionOutcome,
  type ExpectedInputs,
  expectedInputs,
  measureChannels,
} from '@bitwright/quantize';
import { openOrtNode } from '@bitwright/runtime';
import { openDataInput } from './data-input.js';
import { inputSpecs } from './model-file.js';
import { missingData, type QuantizeOptions, type ResolvedOptions } from './quantize-options.js';
import type { RunHooks } from './run-hooks.js';
import type { PassedModel } from './shared-work.js';

/** A float network as it is quantized, and what corrections of its layers go by. */
export interface CorrectedNetwork extends PassedModel {
  /** Mean inputs of the layers; none where no correction asks for them. */
  readonly expected: ExpectedInputs;
  /** What became of the corrections of the network. */
  readonly outcomes: readonly CorrectionOutcome[];
}

/**
 * Makes what is asked for of the corrections of a network, in place, and derives what those of its layers go by.
 *
 * @throws DATA_NEEDED where a correction measures and there is no data, and what measuring throws.
 */
export async function correctNetwork(
  passed: PassedModel,
  options: QuantizeOptions,
  resolved: ResolvedOptions,
  hooks: RunHooks,
): Promise<CorrectedNetwork> {
  const { module, passes } = passed;
  const { network, layers } = resolved.corrections;
  if (options.data === undefined && network.some(({ needs }) => needs === 'data')) throw missingData();
  const moments = new ChannelMoments(module.graph, passes.stated);
  const known: ChannelKnowledge = { moments, extremes: measuring(module, options, resolved, hooks) };
  const outcomes: CorrectionOutcome[] = [];
  for (const correction of network) outcomes.push(...(await correction.correct(module, known)));
  const expects = layers.some(({ needs }) => needs === 'expectations');
  return { ...passed, outcomes, expected: expects ? expectedInputs(module.graph, moments) : new Map() };
}

/** Measures channels on the calibration data; undefined where there is none. */
function measuring(
  module: GraphModule,
  { data }: QuantizeOptions,
  { selection }: ResolvedOptions,
  { open = openOrtNode, signal }: RunHooks,
): ChannelKnowledge['extremes'] {
  if (data === undefined) return undefined;
  return async (values: readonly Value[]) => {
    const source = await openDataInput(data, inputSpecs(module), selection);
    return measureChannels(module, values, { open, data: source, signal });
  };
}
