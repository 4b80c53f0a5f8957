import type {
  AttributeProto,
  GraphProto,
  ModelProto,
  NodeProto,
  SparseTensorProto,
  TensorProto,
} from './messages.js';

/**
 * Replaces a tensor, or gives it back to leave it.
 *
 * @param isInitializer false for tensors in attributes and in sparse tensors.
 */
export type TensorMapping = (tensor: TensorProto, isInitializer: boolean) => TensorProto;

/** A copy of a model in which every tensor, at any depth, went through `mapping`; it shares all that stays the same. */
export function mapTensors(model: ModelProto, mapping: TensorMapping): ModelProto {
  return replace(model, {
    graph: model.graph && mapGraph(model.graph, mapping),
    functions: mapList(model.functions, (body) =>
      replace(body, { node: mapList(body.node, (node) => mapNode(node, mapping)) }),
    ),
    trainingInfo: mapList(model.trainingInfo, (training) =>
      replace(training, {
        initialization: training.initialization && mapGraph(training.initialization, mapping),
        algorithm: training.algorithm && mapGraph(training.algorithm, mapping),
      }),
    ),
  });
}

function mapGraph(graph: GraphProto, mapping: TensorMapping): GraphProto {
  return replace(graph, {
    initializer: mapList(graph.initializer, (tensor) => mapping(tensor, true)),
    sparseInitializer: mapList(graph.sparseInitializer, (sparse) => mapSparse(sparse, mapping)),
    node: mapList(graph.node, (node) => mapNode(node, mapping)),
  });
}

function mapNode(node: NodeProto, mapping: TensorMapping): NodeProto {
  return replace(node, {
    attribute: mapList(node.attribute, (attribute) => mapAttribute(attribute, mapping)),
  });
}

function mapAttribute(attribute: AttributeProto, mapping: TensorMapping): AttributeProto {
  const { t, g, sparseTensor } = attribute;
  return replace(attribute, {
    t: t && mapping(t, false),
    g: g && mapGraph(g, mapping),
    sparseTensor: sparseTensor && mapSparse(sparseTensor, mapping),
    tensors: mapList(attribute.tensors, (tensor) => mapping(tensor, false)),
    graphs: mapList(attribute.graphs, (graph) => mapGraph(graph, mapping)),
    sparseTensors: mapList(attribute.sparseTensors, (sparse) => mapSparse(sparse, mapping)),
  });
}

function mapSparse(sparse: SparseTensorProto, mapping: TensorMapping): SparseTensorProto {
  return replace(sparse, {
    values: sparse.values && mapping(sparse.values, false),
    indices: sparse.indices && mapping(sparse.indices, false),
  });
}

/** The message with other values for some of its fields; itself when they are the same, and never a new undefined field. */
function replace<M extends object>(message: M, fields: { readonly [K in keyof M]?: M[K] | undefined }): M {
  const changed = (Object.keys(fields) as (keyof M)[]).filter((key) => fields[key] !== message[key]);
  if (changed.length === 0) return message;
  return { ...message, ...Object.fromEntries(changed.map((key) => [key, fields[key]])) };
}

function mapList<E>(list: readonly E[] | undefined, change: (element: E) => E): readonly E[] | undefined {
  if (list === undefined) return undefined;
  const changed = list.map(change);
  return changed.some((element, i) => element !== list[i]) ? changed : list;
}
