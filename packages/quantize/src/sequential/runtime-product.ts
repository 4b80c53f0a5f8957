import { DenseTensor, type Tensor } from '@bitwright/core';
import { emitBytes } from '@bitwright/emit';
import { GraphModule } from '@bitwright/graph';
import type { Executor, OpenExecutor } from '@bitwright/runtime';
import type { MatrixProduct } from '../rounding/matrix-product.js';

const OPSET = 13;

/** Multiplies on the runtime: two small models that are opened when first needed. Release it at the end. */
export class RuntimeProduct implements MatrixProduct {
  #transposed: Promise<Executor> | undefined;
  #plain: Promise<Executor> | undefined;

  constructor(private readonly open: OpenExecutor) {}

  timesTransposed(a: Float64Array, b: Float64Array, m: number, k: number, n: number): Promise<Float64Array> {
    this.#transposed ??= this.#openGemm(1);
    return run(this.#transposed, new DenseTensor('double', [m, k], a), new DenseTensor('double', [n, k], b));
  }

  times(a: Float64Array, b: Float64Array, m: number, k: number, n: number): Promise<Float64Array> {
    this.#plain ??= this.#openGemm(0);
    return run(this.#plain, new DenseTensor('double', [m, k], a), new DenseTensor('double', [k, n], b));
  }

  async release(): Promise<void> {
    for (const opened of [this.#transposed, this.#plain]) await (await opened)?.release();
  }

  #openGemm(transB: number): Promise<Executor> {
    const module = new GraphModule();
    const { graph } = module;
    module.opsets.set('', OPSET);
    const type = { kind: 'tensor', dtype: 'double', shape: [undefined, undefined] } as const;
    const inputs = [graph.placeholder('a', type).output, graph.placeholder('b', type).output];
    const { output } = graph.createOp({
      opType: 'Gemm',
      inputs,
      attributes: { transB },
      outputs: [{ name: 'c', type }],
    });
    graph.setOutputs([output]);
    return this.open(emitBytes(module), { name: 'a matrix product' });
  }
}

async function run(executor: Promise<Executor>, a: Tensor, b: Tensor): Promise<Float64Array> {
  const opened = await executor;
  const results = await opened.run(
    new Map([
      ['a', a],
      ['b', b],
    ]),
  );
  return results.get('c')!.data() as Float64Array;
}
