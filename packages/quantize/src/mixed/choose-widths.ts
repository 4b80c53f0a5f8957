import type { BackendConfig } from '@bitwright/backends';
import { BitwrightError } from '@bitwright/core';
import type { GraphModule } from '@bitwright/graph';
import type { QConfig, QConfigResolver } from '../qconfig.js';
import type { QConfigOverride } from '../qconfig-override.js';
import type { Budget, BudgetKind } from './budget.js';
import { type Assignment, GreedyPath, type WidthOption } from './greedy.js';
import type { LatencyTable } from './latency-table.js';
import { COST_UNITS, costText, layerCosts, timeMissing } from './layer-costs.js';
import { type LayerSensitivity, measureSensitivity, type SensitivityOptions } from './sensitivity.js';
import { type WidthChoices, widthChoices } from './width-choices.js';

/** Overrides by node name: what goes under `mapping` in a configuration file. */
export interface NamesMapping {
  readonly names: Readonly<Record<string, QConfigOverride>>;
}

/** One assignment of widths, with what it costs and the loss that its sensitivities add up to. */
export interface BudgetPoint {
  readonly cost: number;
  /** Cost over that of the same layers with 8-bit weights. */
  readonly share: number;
  readonly loss: number;
  readonly mapping: NamesMapping;
}

/** The width that a layer got, and what it was chosen by. */
export interface BudgetLayer {
  readonly name: string;
  readonly opType: string;
  readonly bits: number;
  /** True where a mapping or the table leaves no choice. */
  readonly fixed: boolean;
  readonly weights: number;
  /** Multiplications of one sample. */
  readonly macs: number;
  /** By width: error power at the network's outputs, over theirs, when only these weights are rounded. */
  readonly sensitivity: Readonly<Record<string, number>>;
  /** The same when the weights of all layers up to this one have the widths that were chosen. */
  readonly cumulative: number;
}

/** How widths were chosen under a budget. */
export interface BudgetReport {
  readonly asked: string;
  readonly kind: BudgetKind;
  readonly unit: (typeof COST_UNITS)[BudgetKind];
  readonly limit: number;
  readonly reached: number;
  /** What the same layers cost with 8-bit weights; shares are of this. */
  readonly eightBit: number;
  readonly smallest: number;
  /** Calibration samples that sensitivities were measured on. */
  readonly samples: number;
  readonly layers: readonly BudgetLayer[];
  readonly mapping: NamesMapping;
  /** From the smallest cost to the widest, each point a mapping that can be quantized. */
  readonly front: readonly BudgetPoint[];
}

/** What widths are chosen for. */
export interface ChooseWidthsOptions extends SensitivityOptions {
  readonly budget: Budget;
  readonly backend: BackendConfig;
  /** The times of the device, for a budget of latency. */
  readonly latencies?: LatencyTable;
  /** Candidates, ascending. */
  readonly widths: readonly number[];
  readonly resolverFor: (weights: number) => QConfigResolver;
  /** The choices without overrides, to write those of a layer briefly. */
  readonly base: QConfig;
}

const POINTS_OF_THE_FRONT = 12;
const LEAST_FALL = 1 - 2 ** -10;

/**
 * Chooses a width of the weights for each layer under a budget: greedily, by how much less error at the outputs a wider
 * layer brings for what it costs. Activations keep their widths. The module is not changed.
 *
 * @throws BUDGET_IMPOSSIBLE (a missed budget) naming the smallest cost; CALIBRATION_NO_SAMPLES, BUDGET_NO_FLOAT_OUTPUT; LATENCY_MISSING
 *   for a layer without a time at 8 bits, which shares are of, or at any width that it may have.
 */
export async function chooseWidths(module: GraphModule, options: ChooseWidthsOptions): Promise<BudgetReport> {
  const { budget, base } = options;
  const layers = widthChoices(module.graph, options.backend, options.widths, options.resolverFor);
  const measured = await measureSensitivity(module, layers, options);
  const { eightBit, choices } = priced(layers, measured.layers, layerCosts(budget.kind, options.latencies));
  const path = new GreedyPath(choices);
  const limit = 'share' in budget.limit ? budget.limit.share * eightBit : budget.limit.absolute;
  const chosen = path.within(limit);
  if (chosen === undefined) throw impossible(budget, limit, path.smallest.cost, eightBit);
  const cumulative = await measured.cumulative(chosen.choice.map(({ bits }) => bits));
  return {
    asked: budget.text,
    kind: budget.kind,
    unit: COST_UNITS[budget.kind],
    limit,
    reached: chosen.cost,
    eightBit,
    smallest: path.smallest.cost,
    samples: measured.samples,
    layers: layers.map((layer, i) => ({
      name: layer.name,
      opType: layer.anchor.opType,
      bits: chosen.choice[i]!.bits,
      fixed: layer.configs.size === 1,
      weights: layer.weights,
      macs: measured.layers[i]!.macs,
      sensitivity: Object.fromEntries(measured.layers[i]!.noise),
      cumulative: cumulative[i]!,
    })),
    mapping: mappingOf(layers, chosen, base),
    front: path.front(POINTS_OF_THE_FRONT).map((point) => ({
      cost: point.cost,
      share: eightBit === 0 ? 0 : point.cost / eightBit,
      loss: point.loss,
      mapping: mappingOf(layers, point, base),
    })),
  };
}

/** What each layer may be: its widths with what they cost and lose; and what 8-bit weights cost together. */
function priced(
  layers: readonly WidthChoices[],
  measured: readonly LayerSensitivity[],
  costOf: ReturnType<typeof layerCosts>,
): { readonly eightBit: number; readonly choices: readonly (readonly WidthOption[])[] } {
  let eightBit = 0;
  const choices = layers.map(({ name, anchor, weights, configs }, i) => {
    const { macs, noise } = measured[i]!;
    const layer = { name, opType: anchor.opType, macs, weights };
    const [config] = configs.values();
    const eight = { weights: 8, activations: config!.activations };
    const reference = costOf(layer, eight);
    if (reference === undefined) throw timeMissing(layer, eight);
    eightBit += reference;
    const losses = fallingLosses(noise);
    const options = [...configs].flatMap(([bits, { activations }]): WidthOption[] => {
      const cost = costOf(layer, { weights: bits, activations });
      return cost === undefined ? [] : [{ bits, cost, loss: losses.get(bits)! }];
    });
    if (options.length === 0) throw timeMissing(layer, config!);
    return options;
  });
  return { eightBit, choices };
}

/** Losses by ascending width with what chance made rise taken out: a finer grid is not worse, and room that is left goes to it. */
function fallingLosses(noise: ReadonlyMap<number, number>): Map<number, number> {
  let last = Number.POSITIVE_INFINITY;
  const losses = new Map<number, number>();
  for (const [bits, measured] of noise) {
    last = Math.min(measured, last * LEAST_FALL);
    losses.set(bits, last);
  }
  return losses;
}

/** The widths by name; a layer without a choice is left to what fixes it. */
function mappingOf(layers: readonly WidthChoices[], { choice }: Assignment, base: QConfig): NamesMapping {
  const free = layers
    .map((layer, i) => ({ layer, bits: choice[i]!.bits }))
    .filter(({ layer }) => layer.configs.size > 1);
  return {
    names: Object.fromEntries(
      free.map(({ layer, bits }) => [layer.name, overrideOf(layer.configs.get(bits)!, base)]),
    ),
  };
}

/** The widths alone, or with the other choices of a layer that has its own. */
function overrideOf(config: QConfig, base: QConfig): QConfigOverride {
  const bits = `W${config.weights}A${config.activations}`;
  const { perChannel, symmetricWeights, bias, powerOfTwo, reduceRange } = config;
  const same =
    perChannel === base.perChannel &&
    symmetricWeights === base.symmetricWeights &&
    bias === base.bias &&
    powerOfTwo === base.powerOfTwo &&
    reduceRange === base.reduceRange;
  if (same) return bits;
  return {
    bits,
    weights: symmetricWeights ? 'symmetric' : 'affine',
    granularity: perChannel ? 'per-channel' : 'per-tensor',
    bias,
    powerOfTwo,
    reduceRange,
  };
}

function impossible(
  { text, kind }: Budget,
  limit: number,
  smallest: number,
  eightBit: number,
): BitwrightError {
  const unit = COST_UNITS[kind];
  const least = costText(kind, smallest, 'up');
  return new BitwrightError({
    code: 'BUDGET_IMPOSSIBLE',
    message: `The budget ${text} allows ${costText(kind, limit)} ${unit}, and with every layer at its cheapest width they cost ${least}.`,
    hint: `The smallest possible are ${kind}=${least}${kind === 'latency' ? 'ms' : ''}, a share of ${Math.ceil((smallest / eightBit) * 1e4) / 1e4}.`,
    at: { option: '--budget' },
    kind: 'budget',
  });
}
