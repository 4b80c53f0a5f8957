import { nodeName, quantSpecOf } from '@bitwright/graph';
import type { GraphRule } from '../graph-rule.js';
import { sameGrid } from '../same-grid.js';
import { activationQuantizer, behindShapes } from '../walk-back.js';

/** W-DOUBLE-QDQ: a tensor is quantized twice in a row with other parameters. */
export const doubleQuantization: GraphRule = ({ graph, placedByTable }) =>
  [...graph.ops()].flatMap((node) => {
    const input = activationQuantizer(node.outputs[0]) && node.inputs[0];
    const before = input && activationQuantizer(behindShapes(input));
    if (before === undefined || sameGrid(before, node)) return [];
    const [from, to] = [quantSpecOf(before).bits, quantSpecOf(node).bits];
    return {
      code: 'W-DOUBLE-QDQ',
      // another width on an edge is a request; the same width on another grid only rounds once more
      severity: from === to && placedByTable !== true ? 'warning' : 'info',
      message: `'${before.inputs[0]!.name}' is quantized to ${from} bits and then, by '${nodeName(node)}', to ${to} bits on another grid, with nothing but shape operators in between.`,
      hint: 'Give both the same scale and zero point, or take one of them out.',
      at: { node: nodeName(node), value: before.inputs[0]!.name },
    };
  });
