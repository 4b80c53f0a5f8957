import { dtypeOfCode } from '@bitwright/core';
import type { Dim, ValueType } from '@bitwright/graph';
import type { DimensionProto, TypeProto } from '@bitwright/onnx';

/** What the graph needs to know of an ONNX type: element type and shape of a tensor; every other type is only carried along. */
export function valueTypeOf(type: TypeProto | undefined): ValueType | undefined {
  if (type === undefined) return undefined;
  const tensor = type.tensorType;
  if (tensor === undefined) return { kind: 'other' };
  return {
    kind: 'tensor',
    dtype: dtypeOfCode(tensor.elemType ?? 0),
    shape: tensor.shape === undefined ? undefined : (tensor.shape.dim ?? []).map(dimOf),
  };
}

function dimOf(dim: DimensionProto): Dim {
  // old exporters write -1 for a size that is open
  if (dim.dimValue !== undefined) return Number(dim.dimValue) < 0 ? undefined : Number(dim.dimValue);
  return dim.dimParam === '' ? undefined : dim.dimParam;
}
