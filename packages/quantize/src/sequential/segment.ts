import { DenseTensor, type DType, type QParams } from '@bitwright/core';
import { emitBytes } from '@bitwright/emit';
import {
  BITWRIGHT_DOMAIN,
  cloneGraph,
  type Dim,
  type Graph,
  GraphModule,
  hasQParams,
  isDeQuantStub,
  isQuantizer,
  type OpNode,
  type QuantSpec,
  qparamsOf,
  type Value,
} from '@bitwright/graph';
import type { Side } from './activation-store.js';

/** A value that a segment is fed with, as it is stored. */
export interface SegmentInput {
  readonly value: Value;
  readonly dtype: DType;
  readonly shape: readonly Dim[];
}

/** A part of the network between two cuts, as a model of its own that may still be added to. */
export interface Segment {
  readonly module: GraphModule;
  /** What a wanted value of the whole network is in the segment. */
  readonly values: ReadonlyMap<Value, Value>;
}

/** The network twice: as it is being quantized, and as it was, which rounding does not touch. */
export class NetworkPair {
  readonly #float: GraphModule;
  readonly #twins = new Map<Value, Value>();

  /** Takes the prepared model before its first weight is rounded. */
  constructor(private readonly prepared: GraphModule) {
    this.#float = emptyLike(prepared, cloneGraph(prepared.graph, this.#twins));
  }

  /**
   * Cuts the part out that makes `wanted` from `cut`.
   *
   * The `float` side knows no quantizers; on the `quantized` side those that are decided are written as operators (weights
   * as the floats that their codes stand for), and undecided ones must not stand in between.
   */
  cut(side: Side, cut: readonly SegmentInput[], wanted: readonly Value[]): Segment {
    if (side === 'quantized') return cutSegment(this.prepared, side, cut, wanted);
    const twin = (value: Value): Value => this.#twins.get(value)!;
    const inputs = cut.map((input) => ({ ...input, value: twin(input.value) }));
    const { module, values } = cutSegment(this.#float, side, inputs, wanted.map(twin));
    return { module, values: new Map(wanted.map((value) => [value, values.get(twin(value))!])) };
  }
}

function emptyLike(module: GraphModule, graph: Graph): GraphModule {
  const like = new GraphModule(graph);
  like.irVersion = module.irVersion;
  like.origin = module.origin;
  for (const [domain, version] of module.opsets)
    if (domain !== BITWRIGHT_DOMAIN) like.opsets.set(domain, version);
  return like;
}

function cutSegment(
  module: GraphModule,
  side: Side,
  cut: readonly SegmentInput[],
  wanted: readonly Value[],
): Segment {
  const values = new Map<Value, Value>();
  const graph = cloneGraph(module.graph, values);
  const part = emptyLike(module, graph);
  feed(graph, cut, values);
  graph.setOutputs(wanted.map((value) => values.get(value)!));
  graph.eliminateDeadCode();
  for (const node of graph.placeholders) if (node.output.uses.size === 0) graph.eraseNode(node);
  const wantedNow = new Map(wanted.map((value) => [value, values.get(value)!]));
  for (const node of [...graph.ops()]) {
    if (
      isDeQuantStub(node) ||
      (isQuantizer(node) && (side === 'float' || quantSpecRole(node) !== 'activation'))
    )
      bypass(node, wantedNow);
    else if (isQuantizer(node)) lowerQuantizer(graph, node, wantedNow);
  }
  return { module: part, values: wantedNow };
}

/** The segment as the bytes of an ONNX file. */
export function segmentBytes({ module }: Segment): Uint8Array {
  return emitBytes(module, { external: 'inline' });
}

function feed(graph: Graph, cut: readonly SegmentInput[], values: Map<Value, Value>): void {
  for (const { value, dtype, shape } of cut) {
    const inside = values.get(value)!;
    const type = { kind: 'tensor', dtype, shape } as const;
    if (inside.producer.kind === 'placeholder') {
      inside.type = type;
      continue;
    }
    const name = inside.name;
    graph.rename(inside, graph.freshName(`${name}_before_cut`));
    const fed = graph.placeholder(name, type).output;
    inside.replaceAllUsesWith(fed);
    values.set(value, fed);
  }
}

function quantSpecRole(node: OpNode): string {
  return hasQParams(node) ? node.attributes.string('role', 'activation') : 'none';
}

/** Takes a quantizer out; wanted values that it made are those that it read. */
function bypass(node: OpNode, wanted: Map<Value, Value>): void {
  replace(node, node.inputs[0]!, wanted);
}

function replace(node: OpNode, by: Value, wanted: Map<Value, Value>): void {
  for (const [outside, inside] of wanted) if (inside === node.output) wanted.set(outside, by);
  node.output.replaceAllUsesWith(by);
  node.graph.eraseNode(node);
}

/** QuantizeLinear, Clip, DequantizeLinear up to 8 bits; the same in floats for what no carrier of the operator set holds. */
function lowerQuantizer(graph: Graph, node: OpNode, wanted: Map<Value, Value>): void {
  const spec = qparamsOf(node);
  const x = node.inputs[0]!;
  replace(
    node,
    spec.bits <= 8 ? throughCodes(graph, node, x, spec) : throughFloats(graph, node, x, spec),
    wanted,
  );
}

function throughCodes(graph: Graph, before: OpNode, x: Value, spec: QParams & QuantSpec): Value {
  const byte = (code: number): Value =>
    graph.getAttr('code', new DenseTensor('uint8', [], Uint8Array.of(code)), before).output;
  const scale = graph.getAttr('scale', new DenseTensor('float', [], spec.scale), before).output;
  const zeroPoint = byte(spec.zeroPoint[0]! - spec.quantMin);
  const op = (opType: string, ...inputs: Value[]): Value => graph.createOp({ opType, inputs, before }).output;
  const levels = spec.quantMax - spec.quantMin;
  const codes = op('QuantizeLinear', x, scale, zeroPoint);
  const inside = levels === 255 ? codes : op('Clip', codes, byte(0), byte(levels));
  return op('DequantizeLinear', inside, scale, zeroPoint);
}

function throughFloats(graph: Graph, before: OpNode, x: Value, spec: QParams & QuantSpec): Value {
  const number = (value: number): Value =>
    graph.getAttr('number', new DenseTensor('float', [], Float32Array.of(value)), before).output;
  const op = (opType: string, ...inputs: Value[]): Value => graph.createOp({ opType, inputs, before }).output;
  const scale = number(spec.scale[0]!);
  const zeroPoint = spec.zeroPoint[0]!;
  const rounded = op('Round', op('Div', x, scale));
  const codes = op('Clip', rounded, number(spec.quantMin - zeroPoint), number(spec.quantMax - zeroPoint));
  return op('Mul', codes, scale);
}
