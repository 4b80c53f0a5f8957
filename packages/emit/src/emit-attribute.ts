import type { Tensor } from '@bitwright/core';
import type { Attribute, Graph } from '@bitwright/graph';
import { ATTRIBUTE_TYPE, type AttributeProto, type GraphProto, type TensorProto } from '@bitwright/onnx';

/** How the parts of an attribute that are messages themselves are written. */
export interface AttributeParts {
  tensor(tensor: Tensor): TensorProto;
  graph(graph: Graph): GraphProto;
}

const utf8 = new TextEncoder();
const text = new TextDecoder();

/** Writes one attribute; the message that it was read from is kept as far as it still says the same. */
export function emitAttribute(name: string, attribute: Attribute, parts: AttributeParts): AttributeProto {
  const proto = emitNamed(name, attribute, parts);
  return proto.name === name ? proto : { ...proto, name };
}

function emitNamed(name: string, attribute: Attribute, parts: AttributeParts): AttributeProto {
  const origin = attribute.origin as AttributeProto | undefined;
  if (attribute.type === 'other') return origin ?? { name };
  if (origin !== undefined && saysTheSame(attribute, origin, parts)) return origin;
  const fields = valueField(attribute, parts);
  const holdsGraphs = attribute.type === 'graph' || attribute.type === 'graphs';
  if (holdsGraphs && (origin?.g ?? origin?.graphs) !== undefined) return { ...origin, ...fields };
  return {
    name,
    type: ATTRIBUTE_TYPE[attribute.type],
    ...(origin?.docString !== undefined && { docString: origin.docString }),
    ...(origin?.unknown !== undefined && { unknown: origin.unknown }),
    ...fields,
  };
}

function valueField(attribute: Attribute, parts: AttributeParts): Partial<AttributeProto> {
  switch (attribute.type) {
    case 'float':
      return { f: attribute.value };
    case 'int':
      return { i: attribute.value };
    case 'string':
      return { s: utf8.encode(attribute.value) };
    case 'tensor':
      return { t: parts.tensor(attribute.value) };
    case 'graph':
      return { g: parts.graph(attribute.value) };
    case 'floats':
      return attribute.value.length === 0 ? {} : { floats: Float32Array.from(attribute.value) };
    case 'ints':
      return attribute.value.length === 0 ? {} : { ints: attribute.value };
    case 'strings':
      return attribute.value.length === 0
        ? {}
        : { strings: attribute.value.map((value) => utf8.encode(value)) };
    case 'tensors':
      return { tensors: attribute.value.map(parts.tensor) };
    case 'graphs':
      return { graphs: attribute.value.map(parts.graph) };
    case 'other':
      return {};
  }
}

/** Tells whether the old message still holds: a value that was edited wins over it. Graphs are always written anew. */
function saysTheSame(attribute: Attribute, origin: AttributeProto, parts: AttributeParts): boolean {
  switch (attribute.type) {
    case 'float':
      return Object.is(attribute.value, origin.f ?? 0);
    case 'int':
      return BigInt(attribute.value) === BigInt(origin.i ?? 0);
    case 'string':
      return attribute.value === text.decode(origin.s);
    case 'floats':
      return sameItems(attribute.value, origin.floats ?? [], Object.is);
    case 'ints':
      return sameItems(attribute.value, origin.ints ?? [], (a, b) => BigInt(a) === BigInt(b));
    case 'strings':
      return sameItems(attribute.value, origin.strings ?? [], (a, bytes) => a === text.decode(bytes));
    case 'tensor':
      return parts.tensor(attribute.value) === origin.t;
    case 'tensors':
      return sameItems(attribute.value, origin.tensors ?? [], (a, proto) => parts.tensor(a) === proto);
    default:
      return false;
  }
}

function sameItems<A, B>(a: ArrayLike<A>, b: ArrayLike<B>, same: (a: A, b: B) => boolean): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!same(a[i]!, b[i]!)) return false;
  return true;
}
