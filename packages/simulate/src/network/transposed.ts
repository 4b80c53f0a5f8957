import type { OpNode } from '@bitwright/graph';
import type { Window } from './integer-network.js';

/** A ConvTranspose as a Conv over an input that is spread out. */
export interface Transposed {
  /** Distances between the elements of the input once it is spread out. */
  readonly strides: readonly number[];
  readonly window: Window;
  /** [outputs, depth], the taps of each window in reverse. */
  readonly codes: Int32Array;
  readonly outputs: number;
}

/**
 * ConvTranspose adds each input times the kernel into the output, `strides` apart. The same sum read from the output: a window
 * of stride 1, with its taps in reverse, slides over the input with strides - 1 zeros between neighbours, padded by
 * dilation (kernel - 1) - pad at each side and by the output padding at the end.
 *
 * @param codes [C, M / groups, kernel...], as the operator stores them.
 */
export function transposedConv(
  node: OpNode,
  codes: Int32Array,
  dims: readonly number[],
): Transposed | { code: string; reason: string } {
  const { attributes } = node;
  const autoPad = attributes.string('auto_pad', 'NOTSET');
  if ((autoPad !== 'NOTSET' && autoPad !== 'VALID') || attributes.ints('output_shape') !== undefined)
    return { code: 'SIMULATE_PADS', reason: 'its padding depends on the input (auto_pad or output_shape)' };
  const kernel = dims.slice(2);
  const rank = kernel.length;
  const list = (name: string, length: number, value: number): readonly number[] =>
    attributes.ints(name) ?? new Array<number>(length).fill(value);
  const dilations = list('dilations', rank, 1);
  const cut = list('pads', 2 * rank, 0);
  const behind = list('output_padding', rank, 0);
  const pads = cut.map((pad, i) => {
    const reach = dilations[i % rank]! * (kernel[i % rank]! - 1);
    return reach - pad + (i < rank ? 0 : behind[i - rank]!);
  });
  if (pads.some((pad) => pad < 0))
    return { code: 'SIMULATE_PADS', reason: 'it cuts off more than its kernel reaches' };
  const ones = new Array<number>(rank).fill(1);
  return {
    strides: list('strides', rank, 1),
    window: { kernel, strides: ones, dilations, pads },
    ...reversed(codes, dims, attributes.int('group', 1)),
  };
}

function reversed(
  codes: Int32Array,
  dims: readonly number[],
  groups: number,
): { codes: Int32Array; outputs: number } {
  const [channels = 0, perGroup = 0] = dims;
  const taps = codes.length / (channels * perGroup);
  const inputs = channels / groups;
  const result = new Int32Array(codes.length);
  for (let c = 0; c < channels; c++) {
    const group = Math.floor(c / inputs);
    for (let m = 0; m < perGroup; m++) {
      const to = ((group * perGroup + m) * inputs + (c % inputs)) * taps;
      const from = (c * perGroup + m) * taps;
      for (let t = 0; t < taps; t++) result[to + taps - 1 - t] = codes[from + t]!;
    }
  }
  return { codes: result, outputs: perGroup * groups };
}
