import { nodeName } from '@bitwright/graph';
import type { GraphRule } from '../graph-rule.js';
import { sameGrid } from '../same-grid.js';
import { activationQuantizer, behindMoves } from '../walk-back.js';

/** W-ADD-SCALE: operands of an Add on different grids, where the backend's table wants one. */
export const addScales: GraphRule = ({ graph, equalAddScales }) => {
  if (equalAddScales !== true) return [];
  return [...graph.ops()].flatMap((node) => {
    if (!node.is('Add')) return [];
    const [a, b] = node.inputs.map((value) => value && activationQuantizer(behindMoves(value)));
    if (a === undefined || b === undefined || sameGrid(a, b)) return [];
    return {
      code: 'W-ADD-SCALE',
      severity: 'warning',
      message: `The operands of Add '${nodeName(node)}' are on different grids ('${nodeName(a)}', '${nodeName(b)}'), and the backend adds codes of one scale.`,
      hint: 'Quantize both with the same scale and zero point.',
      at: { node: nodeName(node) },
    };
  });
};
