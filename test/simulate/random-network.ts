import { DenseTensor, quantGrid, seededRandom } from '@bitwright/core';
import {
  BITWRIGHT_DOMAIN,
  Graph,
  GraphModule,
  type OpNode,
  QuantizedTensor,
  quantAttributes,
  setQParams,
  type Value,
} from '@bitwright/graph';
import type { HardwareConfig } from '@bitwright/simulate';

/** Draws quantized graphs of every operator that lowers, with random shapes, widths and grids. */
export class RandomNetwork {
  readonly #random: () => number;
  readonly #graph = new Graph('random');

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  whole(low: number, high: number): number {
    return low + Math.floor(this.#random() * (high - low + 1));
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.whole(0, choices.length - 1)]!;
  }

  /** A model of some layers over an [N, C, S, S] input. */
  module(layers: number): GraphModule {
    const channels = this.whole(1, 5);
    const size = this.whole(5, 8);
    const shape = ['N', channels, size, size];
    const input = this.#graph.placeholder('x', { kind: 'tensor', dtype: 'float', shape });
    let value = this.#quantized(input.output, 'QuantStub');
    let dims = [channels, size];
    for (let i = 0; i < layers; i++) ({ value, dims } = this.#layer(value, dims as [number, number]));
    this.#graph.setOutputs([this.#op('DeQuantStub', [this.#head(value, dims[0]!)], {}, BITWRIGHT_DOMAIN)]);
    const module = new GraphModule(this.#graph);
    module.opsets.set('', 17);
    module.irVersion = 8;
    return module;
  }

  /** A device that may do anything that a file can say. */
  hardware(): HardwareConfig {
    return {
      name: 'random',
      accumulator: {
        bits: this.pick([8, 10, 12, 16, 24, 31, 32]),
        overflow: this.pick(['wrap', 'saturate']),
        at: this.pick(['tile', 'end']),
        sum: this.pick(['centred', 'raw']),
        bias: this.pick(['apart', 'inside']),
      },
      tile: { size: this.whole(1, 12), order: this.pick(['channel-first', 'kernel-first']) },
      requantize: this.pick([
        { kind: 'float' },
        { kind: 'fixed-point', rounding: 'double' },
        { kind: 'fixed-point', rounding: 'single', bits: this.whole(8, 31) },
        { kind: 'power-of-two', rounding: this.pick(['half-even', 'half-up', 'floor']) },
        { kind: 'thresholds' },
      ]),
      ...(this.#random() < 0.5 && {
        bias: {
          bits: this.pick([8, 16, 32] as const),
          scale: this.pick(['product', 'power-of-two', 'free']),
          granularity: this.pick(['per-channel', 'per-tensor']),
        },
      }),
    };
  }

  #layer(value: Value, [channels, size]: [number, number]): { value: Value; dims: [number, number] } {
    const kind = this.pick([
      'conv',
      'conv',
      'conv',
      'add',
      'pool',
      'max',
      'table',
      'concat',
      'pad',
      'mul',
      'relu',
      'resize',
    ]);
    switch (kind) {
      case 'conv':
        return this.#conv(value, channels, size);
      case 'add':
      case 'mul': {
        const other = this.#conv(value, channels, size, channels);
        const joined = this.#op(kind === 'mul' ? 'Mul' : this.pick(['Add', 'Sub']), [value, other.value]);
        return { value: this.#quantized(this.#maybeRelu(joined)), dims: [channels, size] };
      }
      case 'pool': {
        if (size < 4) return { value, dims: [channels, size] };
        const pooled = this.#op('AveragePool', [value], { kernel_shape: [2, 2], strides: [2, 2] });
        return { value: this.#quantized(pooled), dims: [channels, Math.floor(size / 2)] };
      }
      case 'max': {
        if (size < 4) return { value, dims: [channels, size] };
        const pooled = this.#op('MaxPool', [value], {
          kernel_shape: [3, 3],
          strides: [2, 2],
          pads: [1, 1, 1, 1],
        });
        return { value: pooled, dims: [channels, Math.floor((size - 1) / 2) + 1] };
      }
      case 'table': {
        const made = this.#op(this.pick(['Sigmoid', 'Tanh', 'HardSwish', 'LeakyRelu']), [value]);
        return { value: this.#quantized(made), dims: [channels, size] };
      }
      case 'relu':
        return { value: this.#quantized(this.#op('Relu', [value])), dims: [channels, size] };
      case 'concat': {
        const other = this.#conv(value, channels, size, 2);
        const joined = this.#op('Concat', [value, other.value], { axis: 1 });
        return { value: this.#quantized(joined), dims: [channels + 2, size] };
      }
      case 'resize': {
        const scales = this.#graph.getAttr(
          'scales',
          new DenseTensor('float', [4], Float32Array.of(1, 1, 2, 2)),
        );
        if (size > 8) return { value, dims: [channels, size] };
        const made = this.#op('Resize', [value, undefined, scales.output], {
          mode: 'nearest',
          coordinate_transformation_mode: 'asymmetric',
          nearest_mode: 'floor',
        });
        return { value: made, dims: [channels, size * 2] };
      }
      default: {
        const pads = this.#graph.getAttr(
          'pads',
          new DenseTensor('int64', [8], BigInt64Array.of(0n, 0n, 1n, 0n, 0n, 0n, 0n, 1n)),
        );
        return { value: this.#op('Pad', [value, pads.output]), dims: [channels, size + 1] };
      }
    }
  }

  #conv(
    value: Value,
    channels: number,
    size: number,
    outputs = this.whole(1, 6),
  ): { value: Value; dims: [number, number] } {
    const kernel = this.pick([1, 3]);
    const isSame = outputs === channels;
    const group = isSame && this.#random() < 0.3 ? channels : 1;
    const dims = [outputs, channels / group, kernel, kernel];
    const pad = kernel === 3 ? 1 : 0;
    const inputs = [value, this.#weights(dims, 0)];
    if (this.#random() < 0.8) inputs.push(this.#bias(outputs));
    const made = this.#op('Conv', inputs, {
      group,
      pads: [pad, pad, pad, pad],
      kernel_shape: [kernel, kernel],
    });
    return { value: this.#quantized(this.#maybeRelu(made)), dims: [outputs, size] };
  }

  #head(value: Value, channels: number): Value {
    const pooled = this.#quantized(this.#op('GlobalAveragePool', [value]));
    const flat = this.#op('Flatten', [pooled], { axis: 1 });
    const outputs = this.whole(2, 5);
    const made = this.#op('Gemm', [flat, this.#weights([outputs, channels], 0), this.#bias(outputs)], {
      transB: 1,
    });
    return this.#quantized(made);
  }

  #maybeRelu(value: Value): Value {
    return this.#random() < 0.5 ? this.#op('Relu', [value]) : value;
  }

  #quantized(value: Value, opType = 'FakeQuantize'): Value {
    const grid = quantGrid(this.whole(2, 8), this.#random() < 0.4);
    const node = this.#node(opType, [value], grid, 'activation');
    setQParams(node, {
      scale: Float32Array.of(0.01 + this.#random()),
      zeroPoint: Int32Array.of(this.whole(grid.quantMin, grid.quantMax)),
    });
    return node.output;
  }

  #weights(dims: readonly number[], axis: number): Value {
    const bits = this.whole(2, 8);
    const grid = quantGrid(bits, this.#random() < 0.7);
    const perChannel = this.#random() < 0.7;
    const channels = perChannel ? dims[axis]! : 1;
    const isAffine = this.#random() < 0.3;
    const zeroPoint = Int32Array.from({ length: channels }, () =>
      isAffine ? this.whole(grid.quantMin, grid.quantMax) : grid.signed ? 0 : 2 ** (bits - 1),
    );
    const scale = Float32Array.from({ length: channels }, () => 0.001 + this.#random() * 0.1);
    const count = dims.reduce((product, dim) => product * dim, 1);
    const codes = Int32Array.from({ length: count }, () => this.whole(grid.quantMin, grid.quantMax));
    const qparams = { ...grid, scale, zeroPoint, ...(perChannel && { axis }) };
    const node = this.#node(
      'FakeQuantize',
      [this.#graph.getAttr('w', new QuantizedTensor(dims, codes, qparams)).output],
      grid,
      'weight',
    );
    setQParams(node, qparams);
    return node.output;
  }

  #bias(outputs: number): Value {
    const values = Float32Array.from({ length: outputs }, () => (this.#random() - 0.5) * 4);
    return this.#graph.getAttr('b', new DenseTensor('float', [outputs], values)).output;
  }

  #node(
    opType: string,
    inputs: readonly Value[],
    grid: ReturnType<typeof quantGrid>,
    role: 'activation' | 'weight',
  ): OpNode {
    return this.#graph.createOp({
      opType,
      domain: BITWRIGHT_DOMAIN,
      inputs,
      attributes: quantAttributes({ ...grid, role }),
    });
  }

  #op(opType: string, inputs: readonly (Value | undefined)[], attributes = {}, domain = ''): Value {
    return this.#graph.createOp({ opType, domain, inputs, attributes }).output;
  }
}
