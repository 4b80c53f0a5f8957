import { type Graph, nodeName, type OpNode, type Value } from '@bitwright/graph';
import { isQuantization, readersOf } from './file-graph.js';

/** What runs a node of the file. */
export interface RunningKernel {
  readonly kernel: string;
  readonly integer: boolean;
  /** The node of the optimized graph. */
  readonly node: OpNode;
}

/** Operators whose kernels work on integer codes. */
const INTEGER_KERNEL =
  /^(QLinear\w+|NhwcMaxPool|QGemm|ConvInteger|MatMulInteger\w*|DynamicQuantizeMatMul|DynamicQuantizeLSTM|QAttention|MatMulNBits|QMoE)$/;

/** What the runtime puts in to change a layout. */
const LAYOUT = new Set(['Transpose', 'ReorderInput', 'ReorderOutput']);

/**
 * Finds the kernel of each node of a file in the graph that the runtime has made of it. Optimizers keep a node's name or the
 * name of a value, and absorb what stands around: so a node is looked for by its name, by the value that it makes, by the
 * values that are made of that one alone (a fused kernel makes the last of them), and last in the kernel before it.
 */
export class KernelMap {
  readonly #byName = new Map<string, OpNode>();
  readonly #byValue = new Map<string, OpNode>();
  readonly #integer = new Map<Value, boolean>();

  /** @param optimized the graph that the runtime wrote out. */
  constructor(file: Graph, optimized: Graph) {
    // a Clip of codes keeps its name behind an integer kernel, where nothing else tells it from a Clip of the network
    const quantization = new Set([...file.ops()].filter(isQuantization).map(nodeName));
    const own = new Set([...file.ops()].map(nodeName));
    for (const node of optimized.ops()) {
      const served = plain(nodeName(node));
      if (isQuantization(node) || quantization.has(served)) continue;
      const maker = beforeLayout(node, own);
      if (maker === node && !this.#byName.has(served)) this.#byName.set(served, node);
      if (maker !== undefined && !isQuantization(maker) && !quantization.has(plain(nodeName(maker))))
        for (const { name } of node.outputs) this.#byValue.set(plain(name), maker);
    }
  }

  /** The kernel that runs a node; undefined when the optimizer took the node out. */
  find(node: OpNode): RunningKernel | undefined {
    const found = this.#byName.get(nodeName(node)) ?? this.#maker(node.outputs[0], 8) ?? this.#before(node);
    return found && { kernel: kernelName(found), integer: this.#runsIntegers(found), node: found };
  }

  /** What makes a value, or else the value that is made of it alone. */
  #maker(value: Value | undefined, steps: number): OpNode | undefined {
    if (value === undefined || steps === 0) return undefined;
    const maker = this.#byValue.get(value.name);
    if (maker !== undefined) return maker;
    const readers = readersOf(value);
    const [reader] = readers;
    if (reader === undefined || readers.some(({ opType }) => opType !== reader.opType)) return undefined;
    // a node that has a kernel of its own has not absorbed this one
    if (!isQuantization(reader) && this.#byName.get(nodeName(reader))?.opType === reader.opType)
      return undefined;
    return this.#maker(reader.outputs[0], steps - 1);
  }

  /** The kernel that a Relu or Clip went into. */
  #before(node: OpNode): OpNode | undefined {
    if (!node.is('Relu') && !node.is('Clip')) return undefined;
    const { producer } = node.inputs[0]!;
    return producer.kind === 'op' ? this.find(producer)?.node : undefined;
  }

  #runsIntegers(node: OpNode): boolean {
    if (INTEGER_KERNEL.test(node.opType)) return true;
    return node.inputs.length > 0 && this.#holdsCodes(node.inputs[0]) && node.opType !== 'DequantizeLinear';
  }

  /** True for a value of integer codes: made by a quantizer or an integer kernel, or moved from there. */
  #holdsCodes(value: Value | undefined): boolean {
    if (value === undefined || value.producer.kind !== 'op') return false;
    const known = this.#integer.get(value);
    if (known !== undefined) return known;
    this.#integer.set(value, false);
    const { producer } = value;
    const codes =
      producer.opType === 'QuantizeLinear' ||
      (INTEGER_KERNEL.test(producer.opType) &&
        !/ToFloat$|NBits$|^DynamicQuantizeMatMul$/.test(producer.opType)) ||
      (producer.opType !== 'DequantizeLinear' &&
        !producer.opType.endsWith('Linear') &&
        this.#holdsCodes(producer.inputs[0]));
    this.#integer.set(value, codes);
    return codes;
  }
}

/** The node in front of those that only change a layout; undefined when there is none. */
function beforeLayout(node: OpNode, own: ReadonlySet<string>): OpNode | undefined {
  let maker = node;
  while (LAYOUT.has(maker.opType) && !own.has(plain(nodeName(maker)))) {
    const producer = maker.inputs[0]?.producer;
    if (producer?.kind !== 'op') return undefined;
    maker = producer;
  }
  return maker;
}

function kernelName(node: OpNode): string {
  return node.domain === '' || node.domain === 'ai.onnx' ? node.opType : `${node.domain}.${node.opType}`;
}

/** A name without what the layout and fusion passes append. */
function plain(name: string): string {
  return name.replace(/(_token_\d+|_nchwc|_nhwc)+$/, '');
}
