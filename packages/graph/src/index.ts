export {
  type Attribute,
  type AttributeInit,
  type AttributeInt,
  Attributes,
  attribute,
  graphsOf,
} from './attribute.js';
export { Graph, type OpInit } from './graph.js';
export { cloneGraph, GraphModule } from './graph-module.js';
export { lint } from './lint.js';
export {
  GetAttrNode,
  type Node,
  nodeName,
  OpNode,
  type OutputInit,
  OutputNode,
  PlaceholderNode,
} from './node.js';
export {
  BITWRIGHT_DOMAIN,
  constantTensor,
  hasQParams,
  isDeQuantStub,
  isQuantizer,
  QUANT_OPS,
  QuantizedTensor,
  type QuantRole,
  type QuantSpec,
  qparamsOf,
  quantAttributes,
  quantSpecOf,
  setQParams,
} from './quantized.js';
export { type Dim, type Use, Value, type ValueType } from './value.js';
