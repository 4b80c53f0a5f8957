import { type Attribute, Attributes } from './attribute.js';
import { Graph } from './graph.js';
import type { Node, OpNode } from './node.js';
import type { Value } from './value.js';

/** A whole model: the main graph and what stands around it in the file. */
export class GraphModule {
  graph: Graph;
  irVersion = 10;
  /** Operator set versions by domain; '' is ai.onnx. */
  readonly opsets = new Map<string, number>();
  /** Key-value pairs that are saved into the model. */
  readonly metadataProps = new Map<string, string>();
  producerName = '';
  producerVersion = '';
  /** The protobuf message of the model, for all that this class has no field for (functions, training info, unknown fields). */
  origin: unknown;

  constructor(graph: Graph = new Graph()) {
    this.graph = graph;
  }

  /** The version of the standard operator set. */
  get opset(): number {
    return this.opsets.get('') ?? this.opsets.get('ai.onnx') ?? 1;
  }

  /** A copy with its own structure that shares the tensors' bytes; notes in `meta` are not copied. */
  clone(): GraphModule {
    const copy = new GraphModule(cloneGraph(this.graph, new Map()));
    copy.irVersion = this.irVersion;
    copy.producerName = this.producerName;
    copy.producerVersion = this.producerVersion;
    copy.origin = this.origin;
    for (const [domain, version] of this.opsets) copy.opsets.set(domain, version);
    for (const [key, value] of this.metadataProps) copy.metadataProps.set(key, value);
    return copy;
  }
}

/**
 * Copies a graph with all its bodies.
 *
 * @param values maps values of the original (enclosing graphs included) to those of the copy; filled on the way.
 * @param parent the node and attribute that will hold the copy, when it is a body: it may then read values around it.
 */
export function cloneGraph(
  graph: Graph,
  values: Map<Value, Value>,
  parent?: { readonly node: OpNode; readonly attribute: string },
): Graph {
  const copy = new Graph(graph.name);
  copy.docString = graph.docString;
  copy.origin = graph.origin;
  if (parent !== undefined) copy.adoptInto(parent.node, parent.attribute);
  for (const node of graph.nodes()) {
    const into = cloneNode(node, copy);
    into.origin = node.origin;
    for (const [i, value] of node.outputs.entries()) {
      into.outputs[i]!.origin = value.origin;
      values.set(value, into.outputs[i]!);
    }
    for (const [i, value] of node.inputs.entries()) {
      into.setInput(i, value === undefined ? undefined : (values.get(value) ?? value));
    }
    if (node.kind !== 'op' || into.kind !== 'op') continue;
    if (node.attributes.size > 0) into.attributes = cloneAttributes(node.attributes, into, values);
    if (node.hasMetadataProps)
      for (const [key, value] of node.metadataProps) into.metadataProps.set(key, value);
  }
  return copy;
}

function cloneNode(node: Node, copy: Graph): Node {
  switch (node.kind) {
    case 'placeholder':
      return copy.placeholder(node.output.name, node.output.type);
    case 'get_attr': {
      const into = copy.getAttr(node.output.name, node.tensor);
      // Two bodies of one model may hold initializers of the same name, which getAttr would tell apart.
      copy.rename(into.output, node.output.name);
      into.output.type = node.output.type;
      return into;
    }
    case 'op':
      return copy.createOp({
        opType: node.opType,
        domain: node.domain,
        name: node.name,
        inputs: [],
        outputs: node.outputs.map(({ name, type }) => ({ name, ...(type && { type }) })),
      });
    case 'output':
      return copy.outputNode;
  }
}

function cloneAttributes(attributes: Attributes, node: OpNode, values: Map<Value, Value>): Attributes {
  const entries = [...attributes].map(([attribute, attr]): [string, Attribute] => {
    const clone = (body: Graph) => cloneGraph(body, values, { node, attribute });
    if (attr.type === 'graph') return [attribute, { ...attr, value: clone(attr.value) }];
    if (attr.type === 'graphs') return [attribute, { ...attr, value: attr.value.map(clone) }];
    return [attribute, attr];
  });
  return new Attributes(entries);
}
