import type { ByteSourceResolver } from '@bitwright/core';
import type { Attribute, Graph } from '@bitwright/graph';
import { ATTRIBUTE_TYPE, type AttributeProto, type GraphProto, ProtoTensor } from '@bitwright/onnx';

const text = new TextDecoder();

/**
 * Reads one attribute. Kinds that the graph has no word for (types, sparse tensors, references to a function's
 * parameter) become `other` and live on in `origin`.
 *
 * @param body captures a subgraph that the attribute holds.
 */
export function captureAttribute(
  proto: AttributeProto,
  body: (graph: GraphProto) => Graph,
  resolve: ByteSourceResolver | undefined,
): Attribute {
  const origin = proto;
  if (proto.refAttrName !== undefined && proto.refAttrName !== '') return { type: 'other', origin };
  switch (attributeTypeOf(proto)) {
    case ATTRIBUTE_TYPE.float:
      return { type: 'float', value: proto.f ?? 0, origin };
    case ATTRIBUTE_TYPE.int:
      return { type: 'int', value: proto.i ?? 0, origin };
    case ATTRIBUTE_TYPE.string:
      return { type: 'string', value: text.decode(proto.s), origin };
    case ATTRIBUTE_TYPE.tensor:
      return { type: 'tensor', value: new ProtoTensor(proto.t ?? {}, resolve), origin };
    case ATTRIBUTE_TYPE.graph:
      return { type: 'graph', value: body(proto.g ?? {}), origin };
    case ATTRIBUTE_TYPE.floats:
      return { type: 'floats', value: Array.from(proto.floats ?? []), origin };
    case ATTRIBUTE_TYPE.ints:
      return { type: 'ints', value: proto.ints ?? [], origin };
    case ATTRIBUTE_TYPE.strings:
      return { type: 'strings', value: (proto.strings ?? []).map((bytes) => text.decode(bytes)), origin };
    case ATTRIBUTE_TYPE.tensors: {
      const value = (proto.tensors ?? []).map((tensor) => new ProtoTensor(tensor, resolve));
      return { type: 'tensors', value, origin };
    }
    case ATTRIBUTE_TYPE.graphs:
      return { type: 'graphs', value: (proto.graphs ?? []).map(body), origin };
    default:
      return { type: 'other', origin };
  }
}

/** The oldest files do not write `type`: then the one field that is present tells it. */
function attributeTypeOf(proto: AttributeProto): number {
  if (proto.type !== undefined && proto.type !== ATTRIBUTE_TYPE.undefined) return proto.type;
  const { f, i, s, t, g, floats, ints, strings, tensors, graphs } = proto;
  const fields = { float: f, int: i, string: s, tensor: t, graph: g, floats, ints, strings, tensors, graphs };
  for (const [name, field] of Object.entries(fields)) {
    if (field !== undefined) return ATTRIBUTE_TYPE[name as keyof typeof fields];
  }
  return ATTRIBUTE_TYPE.undefined;
}
