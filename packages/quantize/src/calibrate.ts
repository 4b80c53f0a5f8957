import { BitwrightError, type Diagnostic } from '@bitwright/core';
import type { SampleSource } from '@bitwright/data';
import { quantAttributes, quantSpecOf, setQParams } from '@bitwright/graph';
import type { OpenExecutor } from '@bitwright/runtime';
import { chooseRange, isConstrained, rangeOnGrid } from './activation-range.js';
import type { GrowingStatistics } from './growing-statistics.js';
import { groupStatistics, type Observations, observeModel } from './observe.js';
import type { Observer } from './observers/observer.js';
import type { ObserverGroup, PreparedModel } from './prepare.js';
import type { CalibratedRange, CalibratedRanges } from './ranges.js';

/** What calibration works with. */
export interface CalibrateOptions {
  readonly open: OpenExecutor;
  readonly data: SampleSource;
  readonly observer: Observer;
  /** Bytes of activations that may be held at a time. */
  readonly memory: number;
  readonly onProgress?: (done: number, total: number | undefined) => void;
  readonly signal?: AbortSignal;
}

/** What calibration found, besides the parameters that it set on the quantizers. */
export interface Calibration {
  readonly ranges: CalibratedRanges;
  readonly samples: number;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Runs the float model over the data once, observes every quantized tensor, and gives each quantizer its scale and zero
 * point.
 *
 * @throws CALIBRATION_NO_SAMPLES, CALIBRATION_NOT_FINITE naming the tensor, and whatever the runtime says.
 */
export async function calibrate(prepared: PreparedModel, options: CalibrateOptions): Promise<Calibration> {
  const { observer, ...rest } = options;
  const observations = await observeModel(prepared, { ...rest, needs: observer.needs });
  return applyObservations(prepared, observations, observer);
}

/**
 * Chooses the range of every quantizer from what was observed, at the widths that the model was prepared for.
 *
 * @throws CALIBRATION_NOT_FINITE naming the tensor.
 */
export function applyObservations(
  prepared: PreparedModel,
  observations: Observations,
  observer: Observer,
): Calibration {
  const ranges = new Map<string, CalibratedRange>();
  const diagnostics: Diagnostic[] = observer.refines === undefined ? [] : [notRefined(observer)];
  for (const group of prepared.groups) {
    const range = decideGroup(
      prepared,
      group,
      groupStatistics(group, observations.tensors),
      observer,
      diagnostics,
    );
    if (range !== undefined) ranges.set(group.tensor, range);
  }
  const { samples } = observations;
  return {
    ranges: { observer: observer.name, samples, tensors: Object.fromEntries(ranges) },
    samples,
    diagnostics,
  };
}

/**
 * Chooses the range of one group's tensor and gives its quantizers their parameters.
 *
 * @returns undefined when the tensor turned out not to be float, and its quantizers were taken out.
 * @throws CALIBRATION_NOT_FINITE naming the tensor.
 */
export function decideGroup(
  prepared: PreparedModel,
  group: ObserverGroup,
  statistics: GrowingStatistics | undefined,
  observer: Observer,
  diagnostics: Diagnostic[],
): CalibratedRange | undefined {
  const found = statistics ?? groupStatistics(group, new Map());
  if (found !== undefined && !found.isFloat) {
    diagnostics.push(dropGroup(prepared, group, found.dtype));
    return undefined;
  }
  const range = chooseRange(group, found, observer, diagnostics);
  applyRange(group, range);
  return range;
}

/** Gives the quantizers the parameters of an earlier calibration. @throws RANGES_MISSING naming a tensor without range. */
export function applyRanges(prepared: PreparedModel, ranges: CalibratedRanges): void {
  for (const group of prepared.groups) applySavedRange(group, ranges);
}

/** Gives one group's quantizers the parameters of an earlier calibration. @throws RANGES_MISSING naming its tensor. */
export function applySavedRange(group: ObserverGroup, ranges: CalibratedRanges): CalibratedRange {
  const saved = ranges.tensors[group.tensor];
  if (saved === undefined) {
    throw new BitwrightError({
      code: 'RANGES_MISSING',
      message: `The saved ranges have none for the tensor '${group.tensor}'.`,
      hint: 'Save them from the same model, scheme and backend, or calibrate again with --data.',
      at: { value: group.tensor },
    });
  }
  const range = requantized(group, saved);
  applyRange(group, range);
  return range;
}

function requantized(group: ObserverGroup, saved: CalibratedRange): CalibratedRange {
  const found = rangeOnGrid(group, saved);
  const sameGrid = saved.quantMin === found.quantMin && saved.quantMax === found.quantMax;
  return sameGrid && !isConstrained(group) ? saved : found;
}

/** Gives one group's quantizers the parameters of a range. */
export function applyRange(group: ObserverGroup, range: CalibratedRange): void {
  for (const node of group.quantizers) {
    const { bits, signed, quantMin, quantMax } = range;
    node.attributes = quantAttributes({ ...quantSpecOf(node), bits, signed, quantMin, quantMax }).with({
      tensor: node.attributes.string('tensor', ''),
    });
    setQParams(node, { scale: Float32Array.of(range.scale), zeroPoint: Int32Array.of(range.zeroPoint) });
  }
}

function notRefined({ name }: Observer): Diagnostic {
  return {
    code: 'OBSERVER_NOT_REFINED',
    severity: 'warning',
    message: `The observer '${name}' decides by the outputs of layers, which this method does not look at: its first guess is used.`,
    hint: 'Take the method balanced or best, which go layer by layer.',
    at: { option: '--observer' },
  };
}

/** Takes the quantizers of a tensor out again that turned out not to be float. */
function dropGroup(prepared: PreparedModel, group: ObserverGroup, dtype: string): Diagnostic {
  const { graph } = prepared.module;
  for (const node of group.quantizers) {
    node.output.replaceAllUsesWith(node.inputs[0]!);
    graph.eraseNode(node);
  }
  group.quantizers.length = 0;
  return {
    code: 'QUANTIZER_NOT_FLOAT',
    severity: 'info',
    message: `The tensor '${group.tensor}' holds ${dtype} values, so it is not quantized.`,
    at: { value: group.tensor },
  };
}
