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
  switch (node.opType) {
    case 'Cast':
      return dtypeOfCode(node.attributes.int('to', 1));
    case 'Constant':
    case 'ConstantOfShape':
      return node.attributes.tensor('value')?.dtype ?? 'float';
    case 'TopK':
      if (value.index === 1) return 'int64';
      break;
    case 'Where':
      return dtypes.get(node.inputs[1]!);
    case 'If':
    case 'Loop':
    case 'Scan':
      return undefined;
  }
  const [first] = node.inputs;
  return first === undefined ? undefined : dtypes.get(first);
}
