import {
  DenseTensor,
  DTYPES,
  type DType,
  elementCount,
  LazyTensor,
  type Tensor,
  type TensorData,
} from '@bitwright/core';
import fc from 'fast-check';
import {
  type Attribute,
  Attributes,
  type Dim,
  Graph,
  GraphModule,
  type Node,
  printModule,
  type Value,
  type ValueType,
} from '../src/index.js';

type PlainAttribute = Exclude<Attribute, { type: 'graph' | 'graphs' | 'other' }>;

interface OpRecipe {
  readonly label: string;
  readonly opType: string;
  readonly domain: string;
  /** Which of the values so far; undefined leaves the input out. */
  readonly inputs: readonly (number | undefined)[];
  readonly outputs: readonly { readonly name: string; readonly type: ValueType | undefined }[];
  readonly attributes: readonly (readonly [string, PlainAttribute])[];
  /** Lists of bodies; a list of one stands as a single body. */
  readonly bodies: readonly (readonly [string, readonly GraphRecipe[]])[];
}

interface GraphRecipe {
  readonly name: string;
  readonly inputs: readonly { readonly name: string; readonly type: ValueType | undefined }[];
  readonly initializers: readonly { readonly name: string; readonly tensor: Tensor }[];
  readonly ops: readonly OpRecipe[];
  readonly outputs: readonly number[];
}

const DTYPE_NAMES = Object.keys(DTYPES) as DType[];

const word = fc.constantFrom(
  'x',
  'y',
  'conv1',
  'float',
  'inf',
  '__proto__',
  'constructor',
  '/layer.0/Conv_output_0',
  '7',
  'a"b\\c',
  'é\n',
  'seq',
);
const dim: fc.Arbitrary<Dim> = fc.oneof(
  fc.nat(9),
  fc.constantFrom('N', 'batch size', '?'),
  fc.constant(undefined),
);
const valueType: fc.Arbitrary<ValueType | undefined> = fc.oneof(
  fc.constant(undefined),
  fc.constant({ kind: 'other' as const }),
  fc.record(
    {
      kind: fc.constant('tensor' as const),
      dtype: fc.option(fc.constantFrom(...DTYPE_NAMES), { nil: undefined }),
      shape: fc.option(fc.array(dim, { maxLength: 3 }), { nil: undefined }),
    },
    { noNullPrototype: true },
  ),
);

function dataOf(dtype: DType, count: number): fc.Arbitrary<TensorData> {
  const { bits } = DTYPES[dtype];
  const signed = dtype.startsWith('int');
  const exactly = { minLength: count, maxLength: count };
  const low = signed ? -(2 ** (bits - 1)) : 0;
  const high = signed ? 2 ** (bits - 1) - 1 : 2 ** bits - 1;
  if (dtype === 'string') return fc.array(fc.uint8Array({ maxLength: 4 }), exactly);
  if (dtype === 'float') return fc.float32Array(exactly);
  if (dtype === 'double') return fc.float64Array(exactly);
  if (dtype === 'complex64') return fc.float32Array({ minLength: 2 * count, maxLength: 2 * count });
  if (dtype === 'complex128') return fc.float64Array({ minLength: 2 * count, maxLength: 2 * count });
  if (dtype === 'int64') return fc.bigInt64Array(exactly);
  if (dtype === 'uint64') return fc.bigUint64Array(exactly);
  const codes = { ...exactly, min: low, max: high };
  if (bits <= 8) return signed ? fc.int8Array(codes) : fc.uint8Array(codes);
  if (bits === 16) return signed ? fc.int16Array(codes) : fc.uint16Array(codes);
  return signed ? fc.int32Array(codes) : fc.uint32Array(codes);
}

/** Tensors of every element type, with strange floats and strings that are not UTF-8. */
export const tensorArbitrary: fc.Arbitrary<Tensor> = fc
  .tuple(fc.constantFrom(...DTYPE_NAMES), fc.array(fc.nat(3), { maxLength: 3 }))
  .chain(([dtype, dims]) =>
    dataOf(dtype, elementCount(dims)).map((data) =>
      dtype.startsWith('complex')
        ? new LazyTensor(dtype, dims, () => data)
        : new DenseTensor(dtype, dims, data),
    ),
  );

const float = fc.float();
const int = fc.oneof(
  fc.maxSafeInteger(),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 53n) }),
);
const few = { maxLength: 3 };
const plainAttribute: fc.Arbitrary<PlainAttribute> = fc.oneof(
  fc.record({ type: fc.constant('float' as const), value: float }),
  fc.record({ type: fc.constant('int' as const), value: int }),
  fc.record({ type: fc.constant('string' as const), value: fc.string({ unit: 'binary', maxLength: 6 }) }),
  fc.record({ type: fc.constant('tensor' as const), value: tensorArbitrary }),
  fc.record({ type: fc.constant('floats' as const), value: fc.array(float, few) }),
  fc.record({ type: fc.constant('ints' as const), value: fc.array(int, few) }),
  fc.record({ type: fc.constant('strings' as const), value: fc.array(word, few) }),
  fc.record({ type: fc.constant('tensors' as const), value: fc.array(tensorArbitrary, { maxLength: 2 }) }),
);

const typedName = fc.record({ name: word, type: valueType });

function opRecipe(depth: number): fc.Arbitrary<OpRecipe> {
  const body = depth === 0 ? undefined : graphRecipe(depth - 1, 2);
  const bodies =
    body === undefined
      ? fc.constant([])
      : fc.oneof(
          { weight: 3, arbitrary: fc.constant([]) },
          {
            weight: 1,
            arbitrary: fc.uniqueArray(
              fc.tuple(
                fc.constantFrom('body', 'then_branch', 'else branch'),
                fc.array(body, { minLength: 1, maxLength: 2 }),
              ),
              { maxLength: 2, selector: ([attribute]) => attribute },
            ),
          },
        );
  return fc.record({
    label: fc.oneof(fc.constant(''), word),
    opType: fc.constantFrom('Conv', 'Relu', 'If', 'Op-1', 'aten.add', 'float'),
    domain: fc.constantFrom('', '', 'ai.bitwright', 'ai.onnx.ml', 'my-domain.x'),
    inputs: fc.array(fc.option(fc.nat(), { nil: undefined, freq: 6 }), few),
    outputs: fc.array(
      fc.oneof(
        { weight: 5, arbitrary: typedName },
        { weight: 1, arbitrary: fc.constant({ name: '', type: undefined }) },
      ),
      few,
    ),
    attributes: fc.uniqueArray(
      fc.tuple(fc.constantFrom('alpha', 'axes', 'type', '__proto__', 'a-b'), plainAttribute),
      {
        maxLength: 3,
        selector: ([name]) => name,
      },
    ),
    bodies,
  });
}

function graphRecipe(depth: number, maxOps: number): fc.Arbitrary<GraphRecipe> {
  return fc.record({
    name: fc.oneof(fc.constant(''), word),
    inputs: fc.array(typedName, few),
    initializers: fc.array(fc.record({ name: word, tensor: tensorArbitrary }), { maxLength: 2 }),
    ops: fc.array(opRecipe(depth), { maxLength: maxOps }),
    outputs: fc.array(fc.nat(), few),
  });
}

function build(
  recipe: GraphRecipe,
  graph: Graph,
  around: readonly Value[],
  namesAround: ReadonlySet<string>,
): Graph {
  const names = new Set(namesAround);
  const values = [...around];
  const unique = (wanted: string): string => {
    let name = wanted;
    while (names.has(name)) name += "'";
    names.add(name);
    return name;
  };
  const pick = (choice: number): Value | undefined => values[choice % values.length];
  graph.name = recipe.name;
  for (const { name, type } of recipe.inputs) values.push(graph.placeholder(unique(name), type).output);
  for (const { name, tensor } of recipe.initializers) {
    const exact = unique(name);
    const { output } = graph.getAttr(exact, tensor);
    graph.rename(output, exact);
    values.push(output);
  }
  for (const op of recipe.ops) {
    const node = graph.createOp({
      opType: op.opType,
      domain: op.domain,
      name: op.label,
      inputs: op.inputs.map((choice) => (choice === undefined ? undefined : pick(choice))),
      outputs: op.outputs.map(({ name, type }) => ({ name: name && unique(name), ...(type && { type }) })),
    });
    const bodies = op.bodies.map(([attribute, recipes]): [string, Attribute] => {
      const value = recipes.map((inner) => {
        const body = new Graph();
        body.adoptInto(node, attribute);
        return build(inner, body, values, names);
      });
      return [
        attribute,
        value.length === 1 ? { type: 'graph', value: value[0]! } : { type: 'graphs', value },
      ];
    });
    node.attributes = new Attributes([...op.attributes, ...bodies]);
    values.push(...node.outputs.filter(({ name }) => name !== ''));
  }
  const outputs = recipe.outputs.map(pick).filter((value) => value !== undefined);
  graph.setOutputs(outputs);
  return graph;
}

/** Valid models with strange names, every kind of attribute and element type, and bodies that read what is around them. */
export const moduleArbitrary: fc.Arbitrary<GraphModule> = fc
  .record({
    graph: graphRecipe(2, 6),
    opsets: fc.dictionary(fc.constantFrom('', 'ai.bitwright', 'my-domain.x'), fc.nat(30)),
    props: fc.dictionary(word, word),
    producer: word,
  })
  .map(({ graph, opsets, props, producer }) => {
    const module = new GraphModule(build(graph, new Graph(), [], new Set()));
    for (const [domain, version] of Object.entries(opsets)) module.opsets.set(domain, version);
    for (const [key, value] of Object.entries(props)) module.metadataProps.set(key, value);
    module.producerName = producer;
    // A failing property shows the model as text.
    return Object.defineProperty(module, fc.toStringMethod, { value: () => printModule(module) });
  });

/** All that a graph says, as plain data for comparisons; initializers apart from the operators, since their place says nothing. */
export function plainGraph(graph: Graph): unknown {
  const nodes = [...graph.nodes()];
  return {
    name: graph.name,
    inputs: graph.inputs.map(plainValue),
    outputs: graph.outputs.map(({ name }) => name),
    initializers: nodes.flatMap((node) =>
      node.kind === 'get_attr' ? [[node.output.name, plainTensor(node.tensor)]] : [],
    ),
    ops: nodes.filter((node) => node.kind === 'op').map(plainOp),
  };
}

function plainValue({ name, type }: Value): unknown {
  return { name, type };
}

function plainTensor(tensor: Tensor): unknown {
  return { dtype: tensor.dtype, dims: tensor.dims, data: tensor.data() };
}

function plainOp(node: Extract<Node, { kind: 'op' }>): unknown {
  return {
    is: [node.name, node.domain, node.opType],
    inputs: node.inputs.map((value) => value?.name),
    outputs: node.outputs.map(plainValue),
    attributes: [...node.attributes].map(([name, attr]) => [name, attr.type, plainAttributeValue(attr)]),
  };
}

function plainAttributeValue(attr: Attribute): unknown {
  switch (attr.type) {
    case 'tensor':
      return plainTensor(attr.value);
    case 'tensors':
      return attr.value.map(plainTensor);
    case 'graph':
      return plainGraph(attr.value);
    case 'graphs':
      return attr.value.map(plainGraph);
    case 'other':
      return undefined;
    default:
      return attr.value;
  }
}
