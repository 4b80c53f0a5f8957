import { type DType, dtypeOfCode } from '@bitwright/core';
import type { Graph, OpNode, Value } from '@bitwright/graph';

const ALWAYS: Readonly<Record<string, DType>> = {
  Shape: 'int64',
  Size: 'int64',
  NonZero: 'int64',
  ArgMax: 'int64',
  ArgMin: 'int64',
  Equal: 'bool',
  Greater: 'bool',
  GreaterOrEqual: 'bool',
  Less: 'bool',
  LessOrEqual: 'bool',
  And: 'bool',
  Or: 'bool',
  Not: 'bool',
  IsNaN: 'bool',
  IsInf: 'bool',
};

/** Operators whose result has the type of another input than the first. */
const TYPED_BY: Readonly<Record<string, number>> = { Where: 1, CastLike: 1, DequantizeLinear: 1, OneHot: 2 };

/** Results behind the first that have a type of their own. */
const SECOND: Readonly<Record<string, DType>> = { TopK: 'int64', MaxPool: 'int64', Dropout: 'bool' };

/** Element types of a graph's values as far as declarations and operators tell; a value that is not in the map is not known. */
export function inferDtypes(graph: Graph): Map<Value, DType> {
  const dtypes = new Map<Value, DType>();
  for (const node of graph.nodes()) {
    for (const value of node.outputs) {
      const dtype = value.dtype ?? (node.kind === 'op' ? resultDtype(node, value, dtypes) : undefined);
      if (dtype !== undefined) dtypes.set(value, dtype);
    }
  }
  return dtypes;
}

function resultDtype(node: OpNode, value: Value, dtypes: ReadonlyMap<Value, DType>): DType | undefined {
  if (node.domain !== '') return undefined;
  const always = ALWAYS[node.opType];
  if (always !== undefined) return always;
  const second = SECOND[node.opType];
  if (second !== undefined && value.index === 1) return second;
  switch (node.opType) {
    case 'Cast':
      return dtypeOfCode(node.attributes.int('to', 1));
    case 'Constant':
      return constantDtype(node);
    case 'ConstantOfShape':
      return node.attributes.tensor('value')?.dtype ?? 'float';
    case 'If':
    case 'Loop':
    case 'Scan':
    case 'QuantizeLinear':
      return undefined;
  }
  const typed = node.inputs[TYPED_BY[node.opType] ?? 0];
  return typed === undefined ? undefined : dtypes.get(typed);
}

function constantDtype({ attributes }: OpNode): DType {
  if (attributes.has('value_int') || attributes.has('value_ints')) return 'int64';
  if (attributes.has('value_string') || attributes.has('value_strings')) return 'string';
  return attributes.tensor('value')?.dtype ?? 'float';
}
