import { codeOfDtype } from '@bitwright/core';
import type { Dim, Value, ValueType } from '@bitwright/graph';
import type { DimensionProto, TypeProto, ValueInfoProto } from '@bitwright/onnx';

/**
 * Writes the declaration of a value.
 *
 * @param declared how the file declared it in the same role; taken as it is while the value is still the one that was read.
 */
export function emitValueInfo(value: Value, declared: ValueInfoProto | undefined): ValueInfoProto {
  if (declared !== undefined && value.origin !== undefined) return declared;
  const type = typeProtoOf(value.type);
  return { name: value.name, ...(type && { type }) };
}

/** True when there is enough known of a value to declare it. */
export function isDeclarable(value: Value): boolean {
  return value.name !== '' && value.dtype !== undefined;
}

function typeProtoOf(type: ValueType | undefined): TypeProto | undefined {
  if (type?.kind !== 'tensor' || type.dtype === undefined) return undefined;
  const elemType = codeOfDtype(type.dtype);
  if (type.shape === undefined) return { tensorType: { elemType } };
  const dim = type.shape.map(dimensionOf);
  return { tensorType: { elemType, shape: dim.length === 0 ? {} : { dim } } };
}

function dimensionOf(dim: Dim): DimensionProto {
  if (typeof dim === 'number') return { dimValue: dim };
  return dim === undefined ? {} : { dimParam: dim };
}
