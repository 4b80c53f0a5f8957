import { integerData } from '@bitwright/core';
import { constantTensor, type OpNode } from '@bitwright/graph';
import { type Rejection, readNumber, reject } from '@bitwright/rewrite';

/** What a Pad node adds in front of and behind each axis. */
export interface PadAmounts {
  readonly begins: readonly number[];
  readonly ends: readonly number[];
}

/**
 * The constant amounts of a Pad, for all axes; needs opset 11 (inputs) and knows the axes of opset 18.
 *
 * @param rank of what is padded; needed only when axes are given.
 */
export function padAmounts(pad: OpNode, rank: number | undefined): PadAmounts | Rejection {
  const tensor = constantTensor(pad.inputs[1]);
  if (tensor === undefined)
    return reject('RULE_NOT_CONSTANT', 'the amounts of the padding are computed', pad);
  const pads = integerData(tensor);
  const count = pads.length / 2;
  if (pad.inputs[3] === undefined) return { begins: pads.slice(0, count), ends: pads.slice(count) };
  const axes = constantTensor(pad.inputs[3]);
  if (axes === undefined || rank === undefined)
    return reject('RULE_NOT_CONSTANT', 'the axes of the padding are computed, or the rank is not known', pad);
  const begins = new Array<number>(rank).fill(0);
  const ends = new Array<number>(rank).fill(0);
  for (const [i, axis] of integerData(axes).entries()) {
    begins[axis < 0 ? axis + rank : axis] = pads[i]!;
    ends[axis < 0 ? axis + rank : axis] = pads[count + i]!;
  }
  return { begins, ends };
}

/** A rejection unless a Pad adds zeros, and along spatial axes only. */
export function notZeroPadding(pad: OpNode, { begins, ends }: PadAmounts): Rejection | undefined {
  const mode = pad.attributes.string('mode', 'constant');
  if (mode !== 'constant')
    return reject('RULE_PAD_MODE', `the padding is of mode ${mode}, not constant`, pad);
  const fill = pad.inputs[2];
  const tensor = constantTensor(fill);
  if (fill !== undefined && (tensor === undefined || readNumber(tensor) !== 0))
    return reject('RULE_PAD_VALUE', 'the padding is not zero', pad);
  if (
    [begins, ends].some((amounts) => amounts.some((amount, axis) => amount < 0 || (axis < 2 && amount !== 0)))
  )
    return reject('RULE_PAD_AXES', 'the padding crops, or adds samples or channels', pad);
  return undefined;
}

/** The `pads` attribute of a window with a Pad before it; a rejection when the window's own padding depends on the size. */
export function joinedPads(window: OpNode, { begins, ends }: PadAmounts): number[] | Rejection {
  const autoPad = window.attributes.string('auto_pad', 'NOTSET');
  if (autoPad.startsWith('SAME'))
    return reject(
      'RULE_AUTO_PAD',
      `the own padding (${autoPad}) depends on the size of what is padded`,
      window,
    );
  const added = [...begins.slice(2), ...ends.slice(2)];
  const own = autoPad === 'VALID' ? undefined : window.attributes.ints('pads');
  return added.map((amount, i) => amount + (own?.[i] ?? 0));
}
