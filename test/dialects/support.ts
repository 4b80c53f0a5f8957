import { findBackend } from '@bitwright/backends';
import { captureModel } from '@bitwright/capture';
import type { Tensor } from '@bitwright/core';
import { sampleSourceFrom } from '@bitwright/data';
import type { Dialect, LowerOptions } from '@bitwright/dialects';
import { emitBytes } from '@bitwright/emit';
import {
  constantTensor,
  type GraphModule,
  isQuantizer,
  lint,
  nodeName,
  QuantizedTensor,
  qparamsOf,
  type Value,
} from '@bitwright/graph';
import {
  calibrate,
  convert,
  findObserver,
  prepare,
  type QConfig,
  QConfigResolver,
} from '@bitwright/quantize';
import { type ExecutionMode, openOrtNode, randomFloats } from '@bitwright/runtime';
import { Constants, floatModel } from '../fusions/support.js';

export const INPUT = [1, 3, 8, 8];

/** A small residual network with every kind of layer that is quantized. */
export function smallNet(): GraphModule {
  return floatModel(
    INPUT,
    (graph, x) => {
      const constants = new Constants(graph, 5);
      const op = (opType: string, name: string, inputs: Value[], attributes = {}): Value =>
        graph.createOp({ opType, name, inputs, attributes }).output;
      const conv = (name: string, input: Value, ins: number): Value =>
        op(
          'Conv',
          name,
          [input, constants.float(`${name}.w`, [4, ins, 3, 3]), constants.float(`${name}.b`, [4])],
          {
            pads: [1, 1, 1, 1],
          },
        );
      const first = op('Relu', 'relu1', [conv('conv1', x, 3)]);
      const pooled = op('MaxPool', 'pool', [first], { kernel_shape: [2, 2], strides: [2, 2] });
      const sum = op('Add', 'add', [conv('conv2', pooled, 4), pooled]);
      const joined = op('Concat', 'concat', [op('Relu', 'relu2', [sum]), pooled], { axis: 1 });
      const flat = op('Flatten', 'flat', [op('GlobalAveragePool', 'gap', [joined])]);
      const hidden = op('Gemm', 'fc', [flat, constants.float('fc.w', [6, 8]), constants.float('fc.b', [6])], {
        transB: 1,
      });
      return op('MatMul', 'logits', [hidden, constants.float('logits.w', [6, 5])]);
    },
    25,
  );
}

/** The network with quantizers, calibrated and rounded, before any dialect writes it. */
export async function quantizedNet(config: Partial<QConfig>, scheme = 'integer-only'): Promise<GraphModule> {
  const module = smallNet();
  module.irVersion = 13;
  const full: QConfig = {
    weights: 8,
    activations: 8,
    symmetricWeights: true,
    perChannel: true,
    symmetricActivations: false,
    reduceRange: false,
    powerOfTwo: false,
    bias: 'int32',
    ...config,
  };
  const prepared = prepare(module, findBackend(scheme), new QConfigResolver(full));
  const samples = [1, 2, 3, 4].map((seed) => ({ inputs: { x: randomFloats(INPUT, [-2, 2], seed) } }));
  const data = sampleSourceFrom(samples, [{ name: 'x', dtype: 'float', shape: INPUT }]);
  await calibrate(prepared, { open: openOrtNode, data, observer: findObserver('min-max'), memory: 2 ** 28 });
  convert(prepared, { weightSearch: 'min-max' });
  return module;
}

/** What a dialect's file holds, captured again. */
export function written(module: GraphModule, dialect: Dialect, options: LowerOptions = {}): Uint8Array {
  const copy = module.clone();
  dialect.lower(copy, options);
  lint(copy, dialect.name);
  return emitBytes(copy);
}

/** The quantized graph of a file. */
export function lifted(bytes: Uint8Array, dialect: Pick<Dialect, 'lift'>) {
  const module = captureModel(bytes);
  const diagnostics = dialect.lift(module);
  lint(module, 'lift');
  return { module, diagnostics };
}

/** Every quantizer by what it quantizes and for whom, with the codes of constants; grids are told from their lowest code on. */
export function quantizersOf(module: GraphModule): Map<string, unknown> {
  const found = new Map<string, unknown>();
  for (const node of module.graph.ops()) {
    if (!isQuantizer(node)) continue;
    const { role, bits, quantMin, quantMax, scale, zeroPoint, axis } = qparamsOf(node);
    const tensor = constantTensor(node.inputs[0]);
    const readers = [...node.output.users()].map(nodeName).sort().join();
    const facts = {
      opType: node.opType,
      bits,
      levels: quantMax - quantMin,
      scale: [...scale],
      zero: [...zeroPoint].map((zero) => zero - quantMin),
      axis,
      codes: tensor instanceof QuantizedTensor ? [...tensor.codes] : undefined,
    };
    found.set(`${role} of ${readers}`, facts);
  }
  return found;
}

/** The outputs of a file on seeded inputs. */
export async function outputsOf(
  bytes: Uint8Array,
  inputs: readonly Tensor[],
  mode: ExecutionMode,
  input = 'x',
): Promise<number[][]> {
  const executor = await openOrtNode(bytes, { mode, threads: 1 });
  try {
    const outputs: number[][] = [];
    for (const x of inputs) {
      const results = await executor.run(new Map([[input, x]]));
      outputs.push([...results.values()].flatMap((tensor) => Array.from(tensor.data() as Float32Array)));
    }
    return outputs;
  } finally {
    await executor.release();
  }
}
