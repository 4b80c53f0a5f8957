import type { Dim } from '@bitwright/graph';
import { normalAxis } from './axes.js';
import { intsArgument, type KernelCall } from './kernel.js';

/**
 * The shape that Reshape makes. A target that is not known gives an unknown size; -1 is computed as far as the rest is known.
 *
 * @param target sizes; 0 copies the input's (unless `allowZero`), -1 takes the rest, undefined and names are carried along.
 */
export function reshapedDims(
  input: readonly Dim[] | undefined,
  target: readonly (number | string | undefined)[],
  allowZero: boolean,
): Dim[] {
  const dims: Dim[] = target.map((size, i) => (size === 0 && !allowZero ? input?.[i] : size));
  const rest = dims.indexOf(-1);
  if (rest >= 0)
    dims[rest] =
      input &&
      quotient(
        input,
        dims.filter((_, i) => i !== rest),
      );
  return dims;
}

/** The product of some sizes over that of others; names that stand in both cancel. */
function quotient(above: readonly Dim[], below: readonly Dim[]): Dim {
  const names = above.filter((dim) => typeof dim === 'string');
  let divisor = 1;
  for (const dim of below) {
    if (typeof dim === 'number') divisor *= dim;
    else if (dim !== undefined && names.includes(dim)) names.splice(names.indexOf(dim), 1);
    else return undefined;
  }
  let product = 1;
  for (const dim of above) {
    if (typeof dim === 'number') product *= dim;
    else if (dim === undefined) return undefined;
  }
  if (names.length === 1 && product === divisor) return names[0];
  return names.length === 0 && divisor > 0 && product % divisor === 0 ? product / divisor : undefined;
}

/** Where a slice of one axis begins, how it steps, and how many it takes. */
export interface SlicedAxis {
  readonly start: number;
  readonly step: number;
  /** The size of the result; not a number where the axis is taken whole and its size is not known. */
  readonly length: Dim;
}

/** What Slice (by inputs or, in older opsets, attributes) takes of each axis; undefined when an argument is not known, a length
 * undefined when the size of a cut axis is not. */
export function slicedAxes(call: KernelCall, dims: readonly Dim[]): SlicedAxis[] | undefined {
  const starts = intsArgument(call, 1, 'starts');
  const ends = intsArgument(call, 2, 'ends');
  const axes = intsArgument(call, 3, 'axes');
  const steps = intsArgument(call, 4, 'steps');
  if (starts === undefined || ends === undefined || axes === undefined || steps === undefined)
    return undefined;
  const sliced: SlicedAxis[] = dims.map((dim) => ({ start: 0, step: 1, length: dim }));
  for (const [i, first] of starts.entries()) {
    const axis = normalAxis(axes[i] ?? i, dims.length);
    const last = ends[i];
    if (axis === undefined || last === undefined) return undefined;
    const length = dims[axis];
    const step = steps[i] ?? 1;
    if (typeof length === 'number') sliced[axis] = sliceAxis(length, first, last, step);
    else if (first !== 0 || step !== 1 || last < LONGEST)
      sliced[axis] = { start: first, step, length: undefined };
  }
  return sliced;
}

/** No axis is longer: an end from here on means the whole. */
const LONGEST = 2 ** 31;

function sliceAxis(length: number, first: number, last: number, step: number): SlicedAxis {
  const clamp = (value: number, low: number, high: number) => Math.min(Math.max(value, low), high);
  const fromEnd = (index: number) => (index < 0 ? index + length : index);
  const start = step > 0 ? clamp(fromEnd(first), 0, length) : clamp(fromEnd(first), 0, length - 1);
  const end = step > 0 ? clamp(fromEnd(last), 0, length) : clamp(fromEnd(last), -1, length - 1);
  return { start, step, length: Math.max(0, Math.ceil((end - start) / step)) };
}
