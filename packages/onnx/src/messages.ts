/** A 64-bit integer of a message: a number when it is safe (|x| <= 2^53 - 1), else a bigint. Writers accept either. */
export type Int64 = number | bigint;

/**
 * What every message carries beside its own fields.
 *
 * Everywhere below: an absent field is an absent property (never `undefined`, `null` or a default), a field that was on
 * the wire with its default value is present, an absent repeated field is an absent property, bytes are views into the
 * file's buffer (never write into them), and enums are plain numbers, so that unknown ones survive.
 * Field names are those of onnx.proto (ONNX 1.23, IR version 14) in camel case.
 */
export interface ProtoMessage {
  /** Fields that the schema does not know, each with its tag, as raw bytes in the order of the file. */
  readonly unknown?: readonly Uint8Array[];
}

/** A whole model: one graph, the operator sets that it is written in, and model-local functions. */
export interface ModelProto extends ProtoMessage {
  readonly irVersion?: Int64;
  readonly opsetImport?: readonly OperatorSetIdProto[];
  readonly producerName?: string;
  readonly producerVersion?: string;
  readonly domain?: string;
  readonly modelVersion?: Int64;
  readonly docString?: string;
  readonly graph?: GraphProto;
  readonly metadataProps?: readonly StringStringEntryProto[];
  readonly trainingInfo?: readonly TrainingInfoProto[];
  readonly functions?: readonly FunctionProto[];
  readonly configuration?: readonly DeviceConfigurationProto[];
}

/** A version of an operator set; an absent or empty domain is `ai.onnx`. */
export interface OperatorSetIdProto extends ProtoMessage {
  readonly domain?: string;
  readonly version?: Int64;
}

/** A key and a value, e.g. of `metadataProps` or `externalData`. */
export interface StringStringEntryProto extends ProtoMessage {
  readonly key?: string;
  readonly value?: string;
}

/** A graph or subgraph: nodes in topological order, initializers, inputs, outputs and known types of inner values. */
export interface GraphProto extends ProtoMessage {
  readonly node?: readonly NodeProto[];
  readonly name?: string;
  readonly initializer?: readonly TensorProto[];
  readonly sparseInitializer?: readonly SparseTensorProto[];
  readonly docString?: string;
  readonly input?: readonly ValueInfoProto[];
  readonly output?: readonly ValueInfoProto[];
  readonly valueInfo?: readonly ValueInfoProto[];
  readonly quantizationAnnotation?: readonly TensorAnnotation[];
  readonly metadataProps?: readonly StringStringEntryProto[];
}

/** An operator call. An empty name in `input` or `output` is an optional one that is left out. */
export interface NodeProto extends ProtoMessage {
  readonly input?: readonly string[];
  readonly output?: readonly string[];
  readonly name?: string;
  readonly opType?: string;
  readonly domain?: string;
  readonly overload?: string;
  readonly attribute?: readonly AttributeProto[];
  readonly docString?: string;
  readonly metadataProps?: readonly StringStringEntryProto[];
  readonly deviceConfigurations?: readonly NodeDeviceConfigurationProto[];
}

/** Numbers of `AttributeProto.type`, which says which value field of the attribute is in use. */
export const ATTRIBUTE_TYPE = {
  undefined: 0,
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
  tensors: 9,
  graphs: 10,
  sparseTensor: 11,
  sparseTensors: 12,
  typeProto: 13,
  typeProtos: 14,
} as const;

/** A named attribute: one value field, chosen by `type` ({@link ATTRIBUTE_TYPE}), or a reference to a function's attribute. */
export interface AttributeProto extends ProtoMessage {
  readonly name?: string;
  readonly refAttrName?: string;
  readonly docString?: string;
  readonly type?: number;
  readonly f?: number;
  readonly i?: Int64;
  /** UTF-8 text by convention, any bytes in fact. */
  readonly s?: Uint8Array;
  readonly t?: TensorProto;
  readonly g?: GraphProto;
  readonly sparseTensor?: SparseTensorProto;
  readonly tp?: TypeProto;
  readonly floats?: Float32Array;
  readonly ints?: readonly Int64[];
  readonly strings?: readonly Uint8Array[];
  readonly tensors?: readonly TensorProto[];
  readonly graphs?: readonly GraphProto[];
  readonly sparseTensors?: readonly SparseTensorProto[];
  readonly typeProtos?: readonly TypeProto[];
}

/** The name, type and shape of a value. */
export interface ValueInfoProto extends ProtoMessage {
  readonly name?: string;
  readonly type?: TypeProto;
  readonly docString?: string;
  readonly metadataProps?: readonly StringStringEntryProto[];
}

/** The names of the tensors that hold a tensor's quantization parameters, by role (`SCALE_TENSOR`, `ZERO_POINT_TENSOR`). */
export interface TensorAnnotation extends ProtoMessage {
  readonly tensorName?: string;
  readonly quantParameterTensorNames?: readonly StringStringEntryProto[];
}

/** Numbers of `TensorProto.dataLocation`. */
export const DATA_LOCATION = { default: 0, external: 1 } as const;

/** A tensor. Its elements lie in `rawData`, in one of the typed fields, or in an external file; {@link ProtoTensor} reads them all. */
export interface TensorProto extends ProtoMessage {
  readonly dims?: readonly Int64[];
  /** A number of `DTYPES[…].code` in `@bitwright/core`. */
  readonly dataType?: number;
  readonly segment?: TensorSegmentProto;
  /** float, and complex64 as pairs. */
  readonly floatData?: Float32Array;
  /** int32 and everything narrower: one element each, but one packed byte each for 4- and 2-bit types. */
  readonly int32Data?: Int32Array;
  readonly stringData?: readonly Uint8Array[];
  readonly int64Data?: BigInt64Array;
  readonly name?: string;
  readonly docString?: string;
  /** Little-endian elements; 4- and 2-bit types packed, lowest bits first. */
  readonly rawData?: Uint8Array;
  /** double, and complex128 as pairs. */
  readonly doubleData?: Float64Array;
  /** uint64 and uint32. */
  readonly uint64Data?: BigUint64Array;
  /** Keys `location`, `offset`, `length`, `checksum`. */
  readonly externalData?: readonly StringStringEntryProto[];
  /** A number of {@link DATA_LOCATION}. */
  readonly dataLocation?: number;
  readonly metadataProps?: readonly StringStringEntryProto[];
}

/** The part of a tensor that a chunk holds, for very large tensors (not used by any runtime). */
export interface TensorSegmentProto extends ProtoMessage {
  readonly begin?: Int64;
  readonly end?: Int64;
}

/** A sparse tensor in coordinate form: `values` of shape [NNZ], `indices` of shape [NNZ] or [NNZ, rank]. */
export interface SparseTensorProto extends ProtoMessage {
  readonly values?: TensorProto;
  readonly indices?: TensorProto;
  readonly dims?: readonly Int64[];
}

/** The shape of a tensor; no `dim` at all is a scalar. */
export interface TensorShapeProto extends ProtoMessage {
  readonly dim?: readonly DimensionProto[];
}

/** One dimension: a number, a symbol, or (neither) unknown. */
export interface DimensionProto extends ProtoMessage {
  readonly dimValue?: Int64;
  readonly dimParam?: string;
  readonly denotation?: string;
}

/** The type of a value: exactly one of the `…Type` fields. */
export interface TypeProto extends ProtoMessage {
  readonly tensorType?: TensorTypeProto;
  readonly sequenceType?: SequenceTypeProto;
  readonly mapType?: MapTypeProto;
  readonly denotation?: string;
  readonly opaqueType?: OpaqueTypeProto;
  readonly sparseTensorType?: SparseTensorTypeProto;
  readonly optionalType?: OptionalTypeProto;
}

/** A tensor type; an absent `shape` is an unknown rank. */
export interface TensorTypeProto extends ProtoMessage {
  readonly elemType?: number;
  readonly shape?: TensorShapeProto;
}

/** A list of values of one type. */
export interface SequenceTypeProto extends ProtoMessage {
  readonly elemType?: TypeProto;
}

/** A map from an integer or string to values of one type. */
export interface MapTypeProto extends ProtoMessage {
  readonly keyType?: number;
  readonly valueType?: TypeProto;
}

/** A value that may be absent. */
export interface OptionalTypeProto extends ProtoMessage {
  readonly elemType?: TypeProto;
}

/** A sparse tensor type. */
export interface SparseTensorTypeProto extends ProtoMessage {
  readonly elemType?: number;
  readonly shape?: TensorShapeProto;
}

/** A type that only its domain knows. */
export interface OpaqueTypeProto extends ProtoMessage {
  readonly domain?: string;
  readonly name?: string;
}

/** A model-local function: an operator that is defined by nodes. */
export interface FunctionProto extends ProtoMessage {
  readonly name?: string;
  readonly input?: readonly string[];
  readonly output?: readonly string[];
  readonly attribute?: readonly string[];
  readonly attributeProto?: readonly AttributeProto[];
  readonly node?: readonly NodeProto[];
  readonly docString?: string;
  readonly opsetImport?: readonly OperatorSetIdProto[];
  readonly domain?: string;
  readonly overload?: string;
  readonly valueInfo?: readonly ValueInfoProto[];
  readonly metadataProps?: readonly StringStringEntryProto[];
}

/** Graphs that initialize and train the model. */
export interface TrainingInfoProto extends ProtoMessage {
  readonly initialization?: GraphProto;
  readonly algorithm?: GraphProto;
  readonly initializationBinding?: readonly StringStringEntryProto[];
  readonly updateBinding?: readonly StringStringEntryProto[];
}

/** A named set of devices that a model may run on. */
export interface DeviceConfigurationProto extends ProtoMessage {
  readonly name?: string;
  readonly numDevices?: number;
  readonly device?: readonly string[];
}

/** How one node runs in a device configuration. */
export interface NodeDeviceConfigurationProto extends ProtoMessage {
  readonly configurationId?: string;
  readonly shardingSpec?: readonly ShardingSpecProto[];
  readonly pipelineStage?: number;
}

/** How one tensor is spread over devices. */
export interface ShardingSpecProto extends ProtoMessage {
  readonly tensorName?: string;
  readonly device?: readonly Int64[];
  readonly indexToDeviceGroupMap?: readonly IntIntListEntryProto[];
  readonly shardedDim?: readonly ShardedDimProto[];
}

/** A device group: its index and its devices. */
export interface IntIntListEntryProto extends ProtoMessage {
  readonly key?: Int64;
  readonly value?: readonly Int64[];
}

/** How one axis is split. */
export interface ShardedDimProto extends ProtoMessage {
  readonly axis?: Int64;
  readonly simpleSharding?: readonly SimpleShardedDimProto[];
}

/** A dimension (number or symbol) in equal shards. */
export interface SimpleShardedDimProto extends ProtoMessage {
  readonly dimValue?: Int64;
  readonly dimParam?: string;
  readonly numShards?: Int64;
}
