import { type Diagnostic, quantGrid, rangeToQParams, roundHalfEven } from '@bitwright/core';
import { constrainGrid, scaleBounds } from './grid-constraints.js';
import type { GrowingStatistics } from './growing-statistics.js';
import type { GridChoice, Observer } from './observers/observer.js';
import type { ObserverGroup } from './prepare.js';
import type { CalibratedRange } from './ranges.js';

/** The range that a group's data spans and an observer keeps of it, in the tensor's own unit. */
type SeenRange = Pick<CalibratedRange, 'min' | 'max' | 'low' | 'high'>;

/**
 * The range of a group with its scale and zero point, within what the backend demands: its fixed range, or what the
 * observer reads from the statistics.
 *
 * @throws CALIBRATION_NOT_FINITE naming the tensor.
 */
export function chooseRange(
  group: ObserverGroup,
  statistics: GrowingStatistics | undefined,
  observer: Observer,
  diagnostics: Diagnostic[],
): CalibratedRange {
  if (group.fixedRange !== undefined || statistics === undefined) {
    const [low, high] = group.fixedRange ?? [0, 1];
    return rangeOnGrid(group, { min: low, max: high, low, high });
  }
  const { histogram } = statistics;
  histogram.assertFinite(group.tensor);
  const { min, max } = histogram;
  if (min === 0 && max === 0) {
    diagnostics.push({
      code: 'CALIBRATION_ALL_ZERO',
      severity: 'warning',
      message: `The tensor '${group.tensor}' was zero for every calibration sample; its scale is 1.`,
      hint: 'Check that the calibration data is like the real data.',
      at: { value: group.tensor },
    });
    return rangeOnGrid(group, { min: 0, max: 0, low: 0, high: 0 });
  }
  const { low, high } = observer.range(statistics, gridChoice(group, min));
  return rangeOnGrid(group, { min, max, low, high }, diagnostics);
}

/** A range with the parameters that it leads to: fixed ones where the operator's result has a fixed range, scale 1 where all was zero. */
export function rangeOnGrid(
  group: ObserverGroup,
  { min, max, low, high }: SeenRange,
  diagnostics: Diagnostic[] = [],
): CalibratedRange {
  if (group.fixedRange !== undefined)
    return { min, max, low, high, ...fixedQParams(group, group.fixedRange) };
  const choice = gridChoice(group, min);
  const found =
    min === 0 && max === 0 ? { scale: 1, zeroPoint: 0 } : rangeToQParams(low, high, choice.grid, choice);
  const qparams = holdScale(group, found, Math.min(low, 0), choice, diagnostics);
  return { min, max, low, high, ...qparams, ...choice.grid };
}

/** True where the scale of a group must stay as it was chosen: a fixed range, a power of two, or held within a backend's bounds. */
export function keepsScale({ config, constraints }: ObserverGroup): boolean {
  return (
    config.powerOfTwo ||
    constraints.powerOfTwo === true ||
    constraints.fixedRange !== undefined ||
    constraints.scaleMinLowerBound !== undefined ||
    constraints.scaleMaxUpperBound !== undefined
  );
}

/** True where parameters that were chosen for another request may not be taken over as they are. */
export function isConstrained(group: ObserverGroup): boolean {
  return keepsScale(group) || group.constraints.symmetric === true;
}

/** The whole grid covers the range, whatever the data: scale = (high - low) / 2^bits. */
function fixedQParams(
  { config, constraints }: ObserverGroup,
  [low, high]: readonly [number, number],
): Pick<CalibratedRange, 'scale' | 'zeroPoint' | 'bits' | 'signed' | 'quantMin' | 'quantMax'> {
  const symmetric = config.symmetricActivations || constraints.symmetric === true;
  const grid = quantGrid(config.activations, constraints.signed ?? (symmetric && low < 0));
  const scale = (high - low) / 2 ** grid.bits;
  return { scale, zeroPoint: grid.quantMin - low / scale, ...constrainGrid(grid, constraints) };
}

function gridChoice({ config, constraints }: ObserverGroup, min: number): GridChoice {
  const centred = config.symmetricActivations || constraints.symmetric === true;
  const signed = constraints.signed ?? (centred && min < 0);
  const grid = constrainGrid(quantGrid(config.activations, signed), constraints);
  // an unsigned grid of values with one side is symmetric as it is: its zero point is 0
  const symmetric = centred && (signed || min < 0);
  return { grid, symmetric, powerOfTwo: config.powerOfTwo || constraints.powerOfTwo === true };
}

/** Holds a scale within the backend's bounds; the zero point follows it. */
function holdScale(
  group: ObserverGroup,
  found: { scale: number; zeroPoint: number },
  low: number,
  { grid, symmetric, powerOfTwo }: GridChoice,
  diagnostics: Diagnostic[],
): { scale: number; zeroPoint: number } {
  const { least, most } = scaleBounds(group.constraints, powerOfTwo === true);
  const scale = Math.min(Math.max(found.scale, least), most);
  if (scale === found.scale) return found;
  if (scale < found.scale)
    diagnostics.push({
      code: 'SCALE_BOUND_CLIPS',
      severity: 'warning',
      message: `The scale of '${group.tensor}' is held at the backend's upper bound ${scale} where ${found.scale} was wanted: large values are clipped.`,
      at: { value: group.tensor },
    });
  if (symmetric) return { ...found, scale };
  const zeroPoint = roundHalfEven(grid.quantMin - low / scale);
  return { scale, zeroPoint: Math.min(Math.max(zeroPoint, grid.quantMin), grid.quantMax) };
}
