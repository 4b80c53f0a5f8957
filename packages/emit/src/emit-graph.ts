import { BitwrightError, DenseTensor, type Tensor } from '@bitwright/core';
import { BITWRIGHT_DOMAIN, type Graph, type OpNode, type Value } from '@bitwright/graph';
import {
  type GraphProto,
  isExternal,
  type NodeProto,
  ProtoTensor,
  type SparseTensorProto,
  type TensorProto,
  tensorToProto,
  type ValueInfoProto,
} from '@bitwright/onnx';
import { type AttributeParts, emitAttribute } from './emit-attribute.js';
import { emitValueInfo, isDeclarable } from './emit-value-info.js';
import { emitProperties, keptText, normalDomain, propertiesOf, replaced } from './messages.js';

/** What stays the same while all graphs of a model are written. */
export interface GraphEmission {
  /** Tensors of other files are written into the model instead of being referred to. */
  readonly inlineExternal: boolean;
  /** Initializers are no longer declared as inputs, as files before IR version 4 had to. */
  readonly dropDefaultInputs: boolean;
  /** Told of every operator that is written. */
  noteOperator(node: OpNode): void;
}

/** Writes a graph and its bodies; the message that it was read from gives what the graph has no field for. */
export function emitGraph(graph: Graph, emission: GraphEmission): GraphProto {
  const origin = (graph.origin ?? {}) as GraphProto;
  const { initializer, sparseInitializer, node } = emitNodes(graph, emission);
  return replaced(origin, {
    name: keptText(origin.name, graph.name),
    docString: graph.docString,
    node,
    initializer,
    sparseInitializer,
    input: emitInputs(graph, origin, emission),
    output: emitOutputs(graph, origin),
    valueInfo: emitInnerTypes(graph, origin),
    quantizationAnnotation: origin.quantizationAnnotation?.filter(
      ({ tensorName = '' }) =>
        graph.findValue(tensorName) !== undefined || !definedNames(origin).has(tensorName),
    ),
  });
}

function emitNodes(graph: Graph, emission: GraphEmission) {
  const initializer: TensorProto[] = [];
  const sparseInitializer: SparseTensorProto[] = [];
  const nodes: NodeProto[] = [];
  const parts: AttributeParts = {
    tensor: (tensor) => emitTensor(undefined, tensor, emission),
    graph: (body) => emitGraph(body, emission),
  };
  for (const node of graph.nodes()) {
    if (node.kind === 'op') nodes.push(emitNode(node, emission, parts));
    if (node.kind !== 'get_attr') continue;
    const { name } = node.output;
    const sparse = sparseOf(node.tensor);
    if (sparse === undefined) initializer.push(emitTensor(name, node.tensor, emission));
    else if (sparse.values?.name === name) sparseInitializer.push(sparse);
    else sparseInitializer.push({ ...sparse, values: { ...sparse.values, name } });
  }
  return { initializer, sparseInitializer, node: nodes };
}

function emitNode(node: OpNode, emission: GraphEmission, parts: AttributeParts): NodeProto {
  if (node.domain === BITWRIGHT_DOMAIN) {
    throw new BitwrightError({
      code: 'EMIT_PRIVATE_OPERATOR',
      message: `The operator ${node.opType} of '${node.inputs[0]?.name ?? node.displayName}' is Bitwright's own and no runtime knows it.`,
      hint: 'Lower the graph to a dialect (qdq, qcdq, native, qonnx) before it is emitted.',
      at: { node: node.displayName },
    });
  }
  emission.noteOperator(node);
  const { overload, ...rest } = (node.origin ?? {}) as NodeProto;
  const sameOperator = rest.opType === node.opType && normalDomain(rest.domain) === node.domain;
  return replaced<NodeProto>(sameOperator && overload !== undefined ? { ...rest, overload } : rest, {
    input: node.inputs.map((value) => (value === undefined ? '' : nameRead(value, node))),
    output: node.outputs.map(({ name }) => name),
    name: keptText(rest.name, node.name),
    opType: node.opType,
    domain: sameOperator ? rest.domain : keptText(undefined, node.domain),
    attribute: [...node.attributes].map(([name, attribute]) => emitAttribute(name, attribute, parts)),
    metadataProps: node.hasMetadataProps
      ? emitProperties(
          new Map([...propertiesOf(rest.metadataProps), ...node.metadataProps]),
          rest.metadataProps ?? [],
        )
      : rest.metadataProps,
  });
}

function nameRead(value: Value, reader: OpNode): string {
  if (value.name !== '') return value.name;
  throw new BitwrightError({
    code: 'EMIT_VALUE_UNNAMED',
    message: `The node '${reader.displayName}' reads a result of '${value.producer.kind === 'op' ? value.producer.opType : value.producer.kind}' that has no name.`,
    hint: 'Rename the value (graph.rename) before it is used: ONNX refers to values by name.',
    at: { node: reader.displayName },
  });
}

/** @param name the initializer's name; undefined for a tensor in an attribute, which keeps its own. */
function emitTensor(name: string | undefined, tensor: Tensor, emission: GraphEmission): TensorProto {
  if (tensor instanceof ProtoTensor) {
    const { proto } = tensor;
    if (!(isExternal(proto) && emission.inlineExternal))
      return name === undefined || proto.name === name ? proto : tensorToProto(name, tensor);
    return tensorToProto(name ?? tensor.name, new DenseTensor(tensor.dtype, tensor.dims, tensor.data()));
  }
  return tensorToProto(name ?? '', tensor);
}

/** Capture gives a sparse initializer a tensor that carries its message. */
function sparseOf(tensor: Tensor): SparseTensorProto | undefined {
  return 'sparse' in tensor ? (tensor.sparse as SparseTensorProto) : undefined;
}

/**
 * The inputs in order; an initializer that the file declares as an input too (a default value) keeps its place among them.
 */
function emitInputs(graph: Graph, origin: GraphProto, emission: GraphEmission): ValueInfoProto[] {
  const placeholders = graph.placeholders.map(({ output }) => output);
  const places = new Map(placeholders.map((value, place) => [value.name, place]));
  const declared = new Map(origin.input?.map((info) => [info.name, info]));
  const inputs: ValueInfoProto[] = [];
  let next = 0;
  const takeUntil = (end: number): void => {
    for (; next < end; next++) {
      const value = placeholders[next]!;
      inputs.push(emitValueInfo(value, declared.get(value.name)));
    }
  };
  for (const info of origin.input ?? []) {
    const value = graph.findValue(info.name ?? '');
    if (value?.producer.kind === 'get_attr') {
      if (!emission.dropDefaultInputs) inputs.push(emitValueInfo(value, info));
    } else takeUntil((places.get(info.name ?? '') ?? -1) + 1);
  }
  takeUntil(placeholders.length);
  return inputs;
}

function emitOutputs(graph: Graph, origin: GraphProto): ValueInfoProto[] {
  const byName = new Map(origin.output?.map((info) => [info.name, info]));
  return graph.outputs.map((value, place) => {
    const samePlace = origin.output?.[place];
    const declared = samePlace?.name === value.name ? samePlace : byName.get(value.name);
    // A body may return a value from around it, whose own declaration, if any, lies there.
    const isOuterUntouched = value.producer.graph !== graph && value.type === undefined;
    return isOuterUntouched && declared !== undefined ? declared : emitValueInfo(value, declared);
  });
}

/** The known types of what lies between: those of the file in its order, then those that passes found out. */
function emitInnerTypes(graph: Graph, origin: GraphProto): ValueInfoProto[] {
  const infos = (origin.valueInfo ?? []).filter(({ name }) => isStillThere(name, graph, origin));
  const outputs = new Set(graph.outputs);
  for (const node of graph.ops()) {
    for (const value of node.outputs) {
      if (value.origin === undefined && isDeclarable(value) && !outputs.has(value))
        infos.push(emitValueInfo(value, undefined));
    }
  }
  return infos;
}

/** True for the declaration of a value that is unchanged, or of one that the file never defined (kept because nothing is lost). */
function isStillThere(name: string | undefined, graph: Graph, origin: GraphProto): boolean {
  const value = graph.findValue(name ?? '');
  return value === undefined ? !definedNames(origin).has(name ?? '') : value.origin !== undefined;
}

const definedNamesByGraph = new WeakMap<GraphProto, Set<string>>();

/** All names that a graph of a file defines; made only for files that have notes on erased or unknown values. */
function definedNames(proto: GraphProto): Set<string> {
  const known = definedNamesByGraph.get(proto);
  if (known !== undefined) return known;
  const names = new Set<string>();
  for (const { name } of proto.input ?? []) names.add(name ?? '');
  for (const { name } of proto.initializer ?? []) names.add(name ?? '');
  for (const { values } of proto.sparseInitializer ?? []) names.add(values?.name ?? '');
  for (const { output } of proto.node ?? []) for (const name of output ?? []) names.add(name);
  definedNamesByGraph.set(proto, names);
  return names;
}
