import { type DType, elementCount } from '@bitwright/core';
import type { GetAttrNode, Value } from '@bitwright/graph';
import type { Guard } from './pattern-data.js';
import { readNumber } from './read-number.js';

/** One of several element types. */
export function dtypeGuard(dtypes: readonly DType[]): Guard<Value> {
  return {
    needed: `element type ${dtypes.join(' or ')}`,
    check: ({ dtype }) => (dtype !== undefined && dtypes.includes(dtype)) || (dtype ?? 'an unknown type'),
  };
}

/** One of several ranks. */
export function rankGuard(ranks: readonly number[]): Guard<Value> {
  return {
    needed: `rank ${ranks.join(' or ')}`,
    check: ({ shape }) => {
      if (shape === undefined) return 'an unknown rank';
      return ranks.includes(shape.length) || `rank ${shape.length}`;
    },
  };
}

/** A shape in which undefined stands for any size. */
export function shapeGuard(dims: readonly (number | undefined)[]): Guard<Value> {
  const show = (shape: readonly (number | string | undefined)[]) =>
    `[${shape.map((d) => d ?? '_').join(', ')}]`;
  return {
    needed: `shape ${show(dims)}`,
    check: ({ shape }) => {
      if (shape === undefined) return 'an unknown shape';
      const fits =
        shape.length === dims.length && dims.every((dim, i) => dim === undefined || dim === shape[i]);
      return fits || `shape ${show(shape)}`;
    },
  };
}

/** A tensor of one element, of a given value if one is given. */
export function scalarGuard(wanted?: number): Guard<GetAttrNode> {
  return {
    needed: wanted === undefined ? 'a scalar' : `the scalar ${wanted}`,
    check: ({ tensor }) => {
      if (elementCount(tensor.dims) !== 1) return `a tensor of shape [${tensor.dims.join(', ')}]`;
      if (wanted === undefined) return true;
      const value = readNumber(tensor);
      return value === wanted || value === Math.fround(wanted) || String(value ?? tensor.dtype);
    },
  };
}
