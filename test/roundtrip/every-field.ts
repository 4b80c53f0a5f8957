import type {
  AttributeProto,
  GraphProto,
  ModelProto,
  NodeProto,
  TensorProto,
  ValueInfoProto,
} from '@bitwright/onnx';

const utf8 = new TextEncoder();
const unknown = [Uint8Array.of(0xfa, 0x3f, 0x02, 0x68, 0x69)];
const properties = [{ key: 'k', value: 'v' }];
const tensor = (name: string): TensorProto => ({
  name,
  dataType: 1,
  dims: [2],
  floatData: Float32Array.of(1, 2),
  docString: 'a tensor',
  metadataProps: properties,
});
const info = (name: string): ValueInfoProto => ({
  name,
  type: {
    tensorType: { elemType: 1, shape: { dim: [{ dimParam: 'N', denotation: 'BATCH' }, {}] } },
    denotation: 'T',
  },
  docString: 'a value',
  metadataProps: properties,
  unknown,
});
const sparse = (name: string) => ({
  values: { name, dataType: 1, dims: [1], floatData: Float32Array.of(3) },
  indices: { dataType: 7, dims: [1], int64Data: BigInt64Array.of(1n) },
  dims: [4],
});

const attributes: AttributeProto[] = [
  { name: 'f', type: 1, f: 0.1, docString: 'an attribute', unknown },
  { name: 'f0', type: 1, f: 0 },
  { name: 'absent', type: 1 },
  { name: 'i', type: 2, i: 2n ** 62n },
  { name: 's', type: 3, s: utf8.encode('text') },
  { name: 'bytes', type: 3, s: Uint8Array.of(0xff, 0xfe) },
  { name: 't', type: 4, t: tensor('') },
  { name: 'floats', type: 6, floats: Float32Array.of(1, Number.NaN, -0) },
  { name: 'ints', type: 7, ints: [1, -1] },
  { name: 'noInts', type: 7 },
  { name: 'strings', type: 8, strings: [utf8.encode('a'), Uint8Array.of(0x80)] },
  { name: 'tensors', type: 9, tensors: [tensor('a'), tensor('b')] },
  { name: 'sparse', type: 11, sparseTensor: sparse('') },
  { name: 'sparses', type: 12, sparseTensors: [sparse('')] },
  { name: 'type', type: 13, tp: { sequenceType: { elemType: { tensorType: { elemType: 1 } } } } },
  { name: 'types', type: 14, typeProtos: [{ opaqueType: { domain: 'd', name: 'n' } }] },
  { name: 'untyped', i: 7 },
  { name: 'reference', type: 2, refAttrName: 'outer' },
];

const body = (name: string): GraphProto => ({
  name,
  docString: 'a body',
  node: [{ opType: 'Add', input: ['x', 'c'], output: ['r'], unknown }],
  initializer: [tensor('c')],
  input: [{ name: 'd', type: { mapType: { keyType: 7, valueType: { tensorType: { elemType: 1 } } } } }],
  output: [info('r')],
  unknown,
});

const nodes: NodeProto[] = [
  {
    name: 'everything',
    opType: 'Own',
    domain: 'com.example',
    overload: 'second',
    input: ['x', '', 'w', 's', ''],
    output: ['a', '', 'b'],
    attribute: attributes,
    docString: 'a node',
    metadataProps: properties,
    deviceConfigurations: [{ configurationId: 'c', pipelineStage: 1 }],
    unknown,
  },
  {
    opType: 'If',
    domain: 'ai.onnx',
    input: ['a'],
    output: ['y'],
    attribute: [
      { name: 'then_branch', type: 5, g: body('then'), docString: 'a branch' },
      { name: 'graphs', type: 10, graphs: [body('one'), body('two')] },
    ],
  },
  { name: '', opType: 'Identity', domain: '', input: ['b'], output: ['z'], docString: '' },
];

/** A model that has something in every field that a capture could lose. */
export const EVERY_FIELD: ModelProto = {
  irVersion: 11,
  producerName: 'a producer',
  producerVersion: '',
  domain: 'com.example.models',
  modelVersion: 3,
  docString: 'a model',
  opsetImport: [
    { domain: 'ai.onnx', version: 21 },
    { domain: 'com.example', version: 1 },
    { domain: 'idle', version: 1 },
  ],
  metadataProps: [...properties, { key: 'empty', value: '' }],
  graph: {
    name: 'main',
    docString: '',
    node: nodes,
    initializer: [tensor('w'), tensor('default')],
    sparseInitializer: [sparse('s')],
    input: [info('default'), info('x'), { name: 'untyped' }],
    output: [
      info('y'),
      { name: 'z', type: { optionalType: { elemType: { tensorType: { elemType: 7 } } } } },
      info('x'),
    ],
    valueInfo: [info('nowhere'), info('a'), info('w')],
    quantizationAnnotation: [
      { tensorName: 'a', quantParameterTensorNames: [{ key: 'SCALE_TENSOR', value: 'w' }] },
      { tensorName: 'b' },
    ],
    metadataProps: properties,
    unknown,
  },
  trainingInfo: [{ initialization: { name: 'training' }, updateBinding: properties }],
  functions: [
    {
      name: 'Own',
      domain: 'com.example',
      overload: 'second',
      input: ['u'],
      output: ['v'],
      attribute: ['outer'],
      node: [{ opType: 'Relu', input: ['u'], output: ['v'] }],
      opsetImport: [{ domain: '', version: 13 }],
    },
  ],
  configuration: [{ name: 'c', numDevices: 2, device: ['a', 'b'] }],
  unknown,
};
