import type { ByteSourceResolver, Tensor } from '@bitwright/core';
import { type Attribute, Attributes, Graph, type OpNode } from '@bitwright/graph';
import { type GraphProto, type NodeProto, ProtoTensor, type ValueInfoProto } from '@bitwright/onnx';
import { captureAttribute } from './capture-attribute.js';
import { failModel } from './model-errors.js';
import { callNode, Scope } from './scope.js';
import { SparseTensor } from './sparse-tensor.js';
import { valueTypeOf } from './value-types.js';
import { normalDomain } from './versions.js';

/** What stays the same while all graphs of a model are captured. */
export interface CaptureContext {
  readonly file: string | undefined;
  readonly resolve: ByteSourceResolver | undefined;
  /** True when the model imports the standard operators. */
  readonly importsStandard: boolean;
}

/** Captures a graph: inputs become placeholders, initializers get_attr nodes, nodes operators in the order of the file. */
export function captureGraph(proto: GraphProto, context: CaptureContext): Graph {
  return new GraphCapture(proto, new Graph(), context, undefined).run();
}

class GraphCapture {
  readonly #scope: Scope;
  readonly #infos = new Map<string, ValueInfoProto>();

  constructor(
    readonly proto: GraphProto,
    readonly graph: Graph,
    readonly context: CaptureContext,
    parent: Scope | undefined,
  ) {
    this.#scope = new Scope(proto, context.file, parent);
  }

  run(): Graph {
    const { proto, graph } = this;
    graph.name = proto.name ?? '';
    graph.docString = proto.docString;
    graph.origin = proto;
    for (const list of [proto.valueInfo, proto.output]) {
      for (const info of list ?? []) this.#infos.set(info.name ?? '', info);
    }
    this.#captureInputs();
    for (const node of proto.node ?? []) this.#captureNode(node);
    graph.setOutputs((proto.output ?? []).map(({ name }) => this.#scope.read(this.#named(name), undefined)));
    return graph;
  }

  /** An input that is an initializer too (its default value) is a get_attr; emission finds its declaration in `origin`. */
  #captureInputs(): void {
    const tensors: (ProtoTensor | SparseTensor)[] = [
      ...(this.proto.initializer ?? []).map((tensor) => new ProtoTensor(tensor, this.context.resolve)),
      ...(this.proto.sparseInitializer ?? []).map((tensor) => new SparseTensor(tensor, this.context.resolve)),
    ];
    const initialized = new Set(tensors.map(({ name }) => name));
    for (const info of this.proto.input ?? []) {
      const name = this.#named(info.name);
      this.#infos.set(name, info);
      if (initialized.has(name)) continue;
      const { output } = this.graph.placeholder(name, valueTypeOf(info.type));
      output.origin = info;
      this.#scope.declare(name, output, 'an input');
    }
    for (const tensor of tensors) this.#captureInitializer(this.#named(tensor.name), tensor);
  }

  #captureInitializer(name: string, tensor: Tensor): void {
    const { output } = this.graph.getAttr(name, tensor);
    // Sibling bodies may use the same name, which getAttr makes unique: put it back.
    this.graph.rename(output, name);
    output.origin = this.#infos.get(name);
    this.#scope.declare(name, output, 'an initializer');
  }

  #captureNode(proto: NodeProto): void {
    const domain = this.#checkedDomain(proto);
    const node = this.graph.createOp({
      opType: proto.opType ?? '',
      domain,
      name: proto.name ?? '',
      inputs: (proto.input ?? []).map((name) => (name === '' ? undefined : this.#scope.read(name, proto))),
      outputs: (proto.output ?? []).map((name) => {
        const type = valueTypeOf(this.#infos.get(name)?.type);
        return { name, ...(type && { type }) };
      }),
    });
    node.origin = proto;
    if (proto.attribute !== undefined) node.attributes = this.#captureAttributes(proto, node);
    for (const value of node.outputs) {
      if (value.name === '') continue;
      value.origin = this.#infos.get(value.name);
      this.#scope.declare(value.name, value, `the node '${callNode(proto)}'`);
    }
  }

  #captureAttributes(proto: NodeProto, node: OpNode): Attributes {
    const entries = new Map<string, Attribute>();
    for (const attribute of proto.attribute ?? []) {
      const name = attribute.name ?? '';
      if (entries.has(name)) {
        failModel(
          'MODEL_ATTRIBUTE_DUPLICATE',
          `The node '${callNode(proto)}' has the attribute '${name}' twice.`,
          'Remove one of them.',
          { file: this.context.file, node: callNode(proto) },
        );
      }
      const body = (graph: GraphProto): Graph => {
        const inner = new Graph();
        // The body must know its place before it is filled: its nodes read the values around it.
        inner.adoptInto(node, name);
        return new GraphCapture(graph, inner, this.context, this.#scope).run();
      };
      entries.set(name, captureAttribute(attribute, body, this.context.resolve));
    }
    return new Attributes(entries);
  }

  #checkedDomain(proto: NodeProto): string {
    const at = { file: this.context.file, graph: this.proto.name, node: callNode(proto) };
    const domain = normalDomain(proto.domain);
    if (proto.opType === undefined || proto.opType === '') {
      failModel(
        'MODEL_OP_TYPE_ABSENT',
        `The node '${callNode(proto)}' names no operator.`,
        'Export the model again.',
        at,
      );
    }
    // Runtimes know the versions of their own domains, and exporters leave those out; the standard one has no default.
    if (domain === '' && !this.context.importsStandard) {
      failModel(
        'MODEL_OPSET_ABSENT',
        `The node '${callNode(proto)}' is the standard operator ${proto.opType}, but the model does not import ai.onnx.`,
        'Add ai.onnx and its version to opset_import.',
        at,
      );
    }
    return domain;
  }

  #named(name: string | undefined): string {
    if (name !== undefined && name !== '') return name;
    return failModel(
      'MODEL_NAME_ABSENT',
      `An input, output or initializer of the graph '${this.proto.name ?? ''}' has no name.`,
      'Give it one: nodes refer to it by name.',
      { file: this.context.file, graph: this.proto.name },
    );
  }
}
