import { type DType, elementCount } from '@bitwright/core';
import type { GetAttrNode, Value } from '@bitwright/graph';
import type { Guard } from './pattern-data.js';
import { readNumber, readNumbers } from './read-number.js';

/** One of several element types. */
export function dtypeGuard(dtypes: readonly DType[]): Guard<Value> {
  return {
    needed: `element type ${dtypes.join(' or ')}`,
    holds: ({ dtype }) => dtype !== undefined && dtypes.includes(dtype),
    found: ({ dtype }) => dtype ?? 'an unknown type',
  };
}

/** One of several ranks. */
export function rankGuard(ranks: readonly number[]): Guard<Value> {
  return {
    needed: `rank ${ranks.join(' or ')}`,
    holds: ({ shape }) => shape !== undefined && ranks.includes(shape.length),
    found: ({ shape }) => (shape === undefined ? 'an unknown rank' : `rank ${shape.length}`),
  };
}

/** A shape in which undefined stands for any size. */
export function shapeGuard(dims: readonly (number | undefined)[]): Guard<Value> {
  const show = (shape: readonly (number | string | undefined)[]) =>
    `[${shape.map((d) => d ?? '_').join(', ')}]`;
  return {
    needed: `shape ${show(dims)}`,
    holds: ({ shape }) => {
      if (shape === undefined || shape.length !== dims.length) return false;
      for (let i = 0; i < dims.length; i++) if (dims[i] !== undefined && dims[i] !== shape[i]) return false;
      return true;
    },
    found: ({ shape }) => (shape === undefined ? 'an unknown shape' : `shape ${show(shape)}`),
  };
}

/** A tensor of one element, of a given value if one is given. */
export function scalarGuard(wanted?: number): Guard<GetAttrNode> {
  return {
    needed: wanted === undefined ? 'a scalar' : `the scalar ${wanted}`,
    holds: ({ tensor }) => {
      if (elementCount(tensor.dims) !== 1) return false;
      if (wanted === undefined) return true;
      const value = readNumber(tensor);
      return value === wanted || value === Math.fround(wanted);
    },
    found: ({ tensor }) =>
      elementCount(tensor.dims) === 1
        ? String(readNumber(tensor) ?? tensor.dtype)
        : `a tensor of shape [${tensor.dims.join(', ')}]`,
  };
}

/** A tensor whose elements are all one value, or all meet a condition. */
export function elementsGuard(condition: (element: number) => boolean, needed: string): Guard<GetAttrNode> {
  const culprit = ({ tensor }: GetAttrNode): number | undefined => {
    const data = readNumbers(tensor);
    if (data === undefined) return -1;
    for (let i = 0; i < data.length; i++) if (!condition(Number(data[i]))) return i;
    return undefined;
  };
  return {
    needed,
    holds: (node) => culprit(node) === undefined,
    found: (node) => {
      const index = culprit(node);
      if (index === undefined || index < 0) return node.tensor.dtype;
      return `element ${index} = ${readNumbers(node.tensor)?.[index]}`;
    },
  };
}

/** A condition of the author's own: true, or false, or what was found in words. */
export function ownGuard<S>(condition: (subject: S) => boolean | string, needed: string): Guard<S> {
  return {
    needed,
    holds: (subject) => condition(subject) === true,
    found: (subject) => {
      const answer = condition(subject);
      return typeof answer === 'string' ? answer : 'not so';
    },
  };
}
