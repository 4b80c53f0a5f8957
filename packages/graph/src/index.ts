export {
  type AnalysisEdge,
  type AnalysisGraph,
  type AnalysisJson,
  type AnalysisLabel,
  type AnalysisNode,
  analysisGraph,
  toJSON,
} from './analysis-graph.js';
export { analysisIds } from './analysis-ids.js';
export {
  type Attribute,
  type AttributeInit,
  type AttributeInt,
  Attributes,
  attribute,
  graphsOf,
} from './attribute.js';
export { connectedComponents } from './connected-components.js';
export { allOrNothing } from './edit-log.js';
export { describeCycle, findCycle } from './find-cycle.js';
export { Graph, type OpInit } from './graph.js';
export { cloneGraph, GraphModule } from './graph-module.js';
export { Interpreter, type InterpreterOptions } from './interpreter.js';
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
export { parseModule } from './text/parse-module.js';
export { type PrintOptions, printGraph, printModule } from './text/print-module.js';
export { printType } from './text/print-type.js';
export { toDot } from './to-dot.js';
export { type Dim, type Use, Value, type ValueType } from './value.js';
