import type { Field, FieldKind, Schema } from './field.js';
import type * as proto from './messages.js';

/** Every message of the schema by name. */
export type Messages = {
  ModelProto: proto.ModelProto;
  OperatorSetIdProto: proto.OperatorSetIdProto;
  StringStringEntryProto: proto.StringStringEntryProto;
  GraphProto: proto.GraphProto;
  NodeProto: proto.NodeProto;
  AttributeProto: proto.AttributeProto;
  ValueInfoProto: proto.ValueInfoProto;
  TensorAnnotation: proto.TensorAnnotation;
  TensorProto: proto.TensorProto;
  TensorSegmentProto: proto.TensorSegmentProto;
  SparseTensorProto: proto.SparseTensorProto;
  TensorShapeProto: proto.TensorShapeProto;
  DimensionProto: proto.DimensionProto;
  TypeProto: proto.TypeProto;
  TensorTypeProto: proto.TensorTypeProto;
  SequenceTypeProto: proto.SequenceTypeProto;
  MapTypeProto: proto.MapTypeProto;
  OptionalTypeProto: proto.OptionalTypeProto;
  SparseTensorTypeProto: proto.SparseTensorTypeProto;
  OpaqueTypeProto: proto.OpaqueTypeProto;
  FunctionProto: proto.FunctionProto;
  TrainingInfoProto: proto.TrainingInfoProto;
  DeviceConfigurationProto: proto.DeviceConfigurationProto;
  NodeDeviceConfigurationProto: proto.NodeDeviceConfigurationProto;
  ShardingSpecProto: proto.ShardingSpecProto;
  IntIntListEntryProto: proto.IntIntListEntryProto;
  ShardedDimProto: proto.ShardedDimProto;
  SimpleShardedDimProto: proto.SimpleShardedDimProto;
};

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
type NameOf<V> = { [K in keyof Messages]: Same<Messages[K], V> extends true ? K : never }[keyof Messages];

/** The kinds that a property's type allows, so that the compiler compares this table with the interfaces. */
type SpecOf<V> =
  Same<V, proto.Int64> extends true
    ? readonly [number, 'int64']
    : V extends number
      ? readonly [number, 'int32' | 'float']
      : V extends string
        ? readonly [number, 'string']
        : V extends Uint8Array
          ? readonly [number, 'bytes']
          : V extends Float32Array
            ? readonly [number, 'floats' | 'packedFloats']
            : V extends Float64Array
              ? readonly [number, 'packedDoubles']
              : V extends Int32Array
                ? readonly [number, 'packedInt32s']
                : V extends BigInt64Array
                  ? readonly [number, 'packedInt64s']
                  : V extends BigUint64Array
                    ? readonly [number, 'packedUint64s']
                    : V extends readonly (infer E)[]
                      ? E extends string
                        ? readonly [number, 'strings']
                        : E extends Uint8Array
                          ? readonly [number, 'bytesList']
                          : E extends proto.Int64
                            ? readonly [number, 'int64s']
                            : readonly [number, 'messages', NameOf<E>]
                      : readonly [number, 'message', NameOf<V>];

type SpecsOf<M> = { readonly [K in Exclude<keyof M, 'unknown'>]-?: SpecOf<NonNullable<M[K]>> };

/** Field numbers and wire types of ONNX 1.23 (onnx/onnx-ml.proto, IR version 14). */
const SPECS: { readonly [M in keyof Messages]: SpecsOf<Messages[M]> } = {
  ModelProto: {
    irVersion: [1, 'int64'],
    producerName: [2, 'string'],
    producerVersion: [3, 'string'],
    domain: [4, 'string'],
    modelVersion: [5, 'int64'],
    docString: [6, 'string'],
    graph: [7, 'message', 'GraphProto'],
    opsetImport: [8, 'messages', 'OperatorSetIdProto'],
    metadataProps: [14, 'messages', 'StringStringEntryProto'],
    trainingInfo: [20, 'messages', 'TrainingInfoProto'],
    functions: [25, 'messages', 'FunctionProto'],
    configuration: [26, 'messages', 'DeviceConfigurationProto'],
  },
  OperatorSetIdProto: { domain: [1, 'string'], version: [2, 'int64'] },
  StringStringEntryProto: { key: [1, 'string'], value: [2, 'string'] },
  GraphProto: {
    node: [1, 'messages', 'NodeProto'],
    name: [2, 'string'],
    initializer: [5, 'messages', 'TensorProto'],
    docString: [10, 'string'],
    input: [11, 'messages', 'ValueInfoProto'],
    output: [12, 'messages', 'ValueInfoProto'],
    valueInfo: [13, 'messages', 'ValueInfoProto'],
    quantizationAnnotation: [14, 'messages', 'TensorAnnotation'],
    sparseInitializer: [15, 'messages', 'SparseTensorProto'],
    metadataProps: [16, 'messages', 'StringStringEntryProto'],
  },
  NodeProto: {
    input: [1, 'strings'],
    output: [2, 'strings'],
    name: [3, 'string'],
    opType: [4, 'string'],
    attribute: [5, 'messages', 'AttributeProto'],
    docString: [6, 'string'],
    domain: [7, 'string'],
    overload: [8, 'string'],
    metadataProps: [9, 'messages', 'StringStringEntryProto'],
    deviceConfigurations: [10, 'messages', 'NodeDeviceConfigurationProto'],
  },
  AttributeProto: {
    name: [1, 'string'],
    f: [2, 'float'],
    i: [3, 'int64'],
    s: [4, 'bytes'],
    t: [5, 'message', 'TensorProto'],
    g: [6, 'message', 'GraphProto'],
    floats: [7, 'floats'],
    ints: [8, 'int64s'],
    strings: [9, 'bytesList'],
    tensors: [10, 'messages', 'TensorProto'],
    graphs: [11, 'messages', 'GraphProto'],
    docString: [13, 'string'],
    tp: [14, 'message', 'TypeProto'],
    typeProtos: [15, 'messages', 'TypeProto'],
    type: [20, 'int32'],
    refAttrName: [21, 'string'],
    sparseTensor: [22, 'message', 'SparseTensorProto'],
    sparseTensors: [23, 'messages', 'SparseTensorProto'],
  },
  ValueInfoProto: {
    name: [1, 'string'],
    type: [2, 'message', 'TypeProto'],
    docString: [3, 'string'],
    metadataProps: [4, 'messages', 'StringStringEntryProto'],
  },
  TensorAnnotation: {
    tensorName: [1, 'string'],
    quantParameterTensorNames: [2, 'messages', 'StringStringEntryProto'],
  },
  TensorProto: {
    dims: [1, 'int64s'],
    dataType: [2, 'int32'],
    segment: [3, 'message', 'TensorSegmentProto'],
    floatData: [4, 'packedFloats'],
    int32Data: [5, 'packedInt32s'],
    stringData: [6, 'bytesList'],
    int64Data: [7, 'packedInt64s'],
    name: [8, 'string'],
    rawData: [9, 'bytes'],
    doubleData: [10, 'packedDoubles'],
    uint64Data: [11, 'packedUint64s'],
    docString: [12, 'string'],
    externalData: [13, 'messages', 'StringStringEntryProto'],
    dataLocation: [14, 'int32'],
    metadataProps: [16, 'messages', 'StringStringEntryProto'],
  },
  TensorSegmentProto: { begin: [1, 'int64'], end: [2, 'int64'] },
  SparseTensorProto: {
    values: [1, 'message', 'TensorProto'],
    indices: [2, 'message', 'TensorProto'],
    dims: [3, 'int64s'],
  },
  TensorShapeProto: { dim: [1, 'messages', 'DimensionProto'] },
  DimensionProto: { dimValue: [1, 'int64'], dimParam: [2, 'string'], denotation: [3, 'string'] },
  TypeProto: {
    tensorType: [1, 'message', 'TensorTypeProto'],
    sequenceType: [4, 'message', 'SequenceTypeProto'],
    mapType: [5, 'message', 'MapTypeProto'],
    denotation: [6, 'string'],
    opaqueType: [7, 'message', 'OpaqueTypeProto'],
    sparseTensorType: [8, 'message', 'SparseTensorTypeProto'],
    optionalType: [9, 'message', 'OptionalTypeProto'],
  },
  TensorTypeProto: { elemType: [1, 'int32'], shape: [2, 'message', 'TensorShapeProto'] },
  SequenceTypeProto: { elemType: [1, 'message', 'TypeProto'] },
  MapTypeProto: { keyType: [1, 'int32'], valueType: [2, 'message', 'TypeProto'] },
  OptionalTypeProto: { elemType: [1, 'message', 'TypeProto'] },
  SparseTensorTypeProto: { elemType: [1, 'int32'], shape: [2, 'message', 'TensorShapeProto'] },
  OpaqueTypeProto: { domain: [1, 'string'], name: [2, 'string'] },
  FunctionProto: {
    name: [1, 'string'],
    input: [4, 'strings'],
    output: [5, 'strings'],
    attribute: [6, 'strings'],
    node: [7, 'messages', 'NodeProto'],
    docString: [8, 'string'],
    opsetImport: [9, 'messages', 'OperatorSetIdProto'],
    domain: [10, 'string'],
    attributeProto: [11, 'messages', 'AttributeProto'],
    valueInfo: [12, 'messages', 'ValueInfoProto'],
    overload: [13, 'string'],
    metadataProps: [14, 'messages', 'StringStringEntryProto'],
  },
  TrainingInfoProto: {
    initialization: [1, 'message', 'GraphProto'],
    algorithm: [2, 'message', 'GraphProto'],
    initializationBinding: [3, 'messages', 'StringStringEntryProto'],
    updateBinding: [4, 'messages', 'StringStringEntryProto'],
  },
  DeviceConfigurationProto: { name: [1, 'string'], numDevices: [2, 'int32'], device: [3, 'strings'] },
  NodeDeviceConfigurationProto: {
    configurationId: [1, 'string'],
    shardingSpec: [2, 'messages', 'ShardingSpecProto'],
    pipelineStage: [3, 'int32'],
  },
  ShardingSpecProto: {
    tensorName: [1, 'string'],
    device: [2, 'int64s'],
    indexToDeviceGroupMap: [3, 'messages', 'IntIntListEntryProto'],
    shardedDim: [4, 'messages', 'ShardedDimProto'],
  },
  IntIntListEntryProto: { key: [1, 'int64'], value: [2, 'int64s'] },
  ShardedDimProto: { axis: [1, 'int64'], simpleSharding: [2, 'messages', 'SimpleShardedDimProto'] },
  SimpleShardedDimProto: { dimValue: [1, 'int64'], dimParam: [2, 'string'], numShards: [3, 'int64'] },
};

/** Fields of which only the last on the wire counts. */
const ONE_OF: { readonly [M in keyof Messages]?: readonly Exclude<keyof Messages[M], 'unknown'>[] } = {
  DimensionProto: ['dimValue', 'dimParam'],
  SimpleShardedDimProto: ['dimValue', 'dimParam'],
  TypeProto: ['tensorType', 'sequenceType', 'mapType', 'opaqueType', 'sparseTensorType', 'optionalType'],
};

/** The wire schema of every message, ready for the codec. */
export const SCHEMAS: { readonly [M in keyof Messages]: Schema } = linkSchemas();

function linkSchemas(): { [M in keyof Messages]: Schema } {
  const names = Object.keys(SPECS) as (keyof Messages)[];
  const schemas = Object.fromEntries(
    names.map((name) => [name, { name, fields: [], byNumber: [] }]),
  ) as unknown as Record<keyof Messages, { name: string; fields: Field[]; byNumber: Field[] }>;
  for (const name of names) {
    const rivals: readonly string[] = ONE_OF[name] ?? [];
    for (const [property, spec] of Object.entries(SPECS[name])) {
      const [number, kind, message] = spec as readonly [number, FieldKind, (keyof Messages)?];
      schemas[name].byNumber[number] = {
        name: property,
        number,
        kind,
        message: message === undefined ? undefined : schemas[message],
        rivals: rivals.includes(property) ? rivals.filter((rival) => rival !== property) : [],
      };
    }
    schemas[name].fields.push(...schemas[name].byNumber.filter((field) => field !== undefined));
  }
  return schemas;
}
