import { addGradients } from '@bitwright/autodiff';
import { DenseTensor, elementCount, seededRandom, type Tensor } from '@bitwright/core';
import { emitBytes } from '@bitwright/emit';
import { type GraphModule, parseModule } from '@bitwright/graph';
import { inferShapes } from '@bitwright/rewrite';
import { openOrtNode } from '@bitwright/runtime';

/** The values of one input by default: between 0.2 and 1.2 in size, so that no step of a difference crosses zero. */
const awayFromZero = (random: () => number): number => (0.2 + random()) * (random() < 0.5 ? -1 : 1);

export interface GradientCheck {
  /** The derivative along a random direction that the gradient gives, and by central differences. */
  readonly analytic: number;
  readonly numeric: number;
  /** The size of the terms that both sum, for a tolerance. */
  readonly size: number;
}

export function moduleOf(text: string): GraphModule {
  const module = parseModule(`<ir_version: 10, opset_import: ["": 21]> ${text}`);
  inferShapes(module);
  return module;
}

/**
 * Holds the gradients of a graph with one output `y` against central differences, both in ONNX Runtime.
 *
 * The loss is a random combination of y's elements; the differences sum it in double precision.
 * @param fill how inputs are drawn.
 */
export async function checkGradients(
  text: string,
  seed = 1,
  fill = awayFromZero,
  step = 2e-3,
): Promise<GradientCheck> {
  const random = seededRandom(seed);
  const module = moduleOf(text);
  const { graph } = module;
  const y = graph.outputs[0]!;
  const inputs = graph.inputs;
  const draw = (value: { shape: unknown }, make: () => number): Float32Array =>
    Float32Array.from({ length: elementCount(value.shape as number[]) }, make);
  const feeds = new Map(inputs.map((value) => [value.name, draw(value, () => fill(random))]));
  const directions = new Map(inputs.map((value) => [value.name, draw(value, () => 2 * random() - 1)]));
  const mix = draw(y, () => 2 * random() - 1);
  const mixed = graph.placeholder('mix', y.type);
  const product = graph.createOp({ opType: 'Mul', inputs: [y, mixed.output], outputs: [{ type: y.type! }] });
  const scalar = { type: { kind: 'tensor', dtype: 'float', shape: [] } } as const;
  const loss = graph.createOp({
    opType: 'ReduceSum',
    inputs: [product.output],
    attributes: { keepdims: 0 },
    outputs: [scalar],
  });
  const gradients = addGradients(graph, loss.output, inputs);
  for (const [value, gradient] of gradients) graph.rename(gradient!, `d_${value.name}`);
  graph.setOutputs([y, ...[...gradients.values()].map((value) => value!)]);
  const executor = await openOrtNode(emitBytes(module));
  const shapes = new Map(inputs.map((value) => [value.name, value.shape as number[]]));
  const run = async (values: ReadonlyMap<string, Float32Array>, fetches: string[]) => {
    const tensors = new Map<string, Tensor>(
      [...values].map(([name, data]) => [name, new DenseTensor('float', shapes.get(name)!, data)]),
    );
    tensors.set('mix', new DenseTensor('float', y.shape as number[], mix));
    return executor.run(tensors, fetches);
  };
  const lossAt = async (sign: number): Promise<number> => {
    const moved = new Map(
      [...feeds].map(([name, data]) => [
        name,
        data.map((v, i) => v + sign * step * directions.get(name)![i]!),
      ]),
    );
    const result = (await run(moved, [y.name])).get(y.name)!.data() as Float32Array;
    return result.reduce((total, value, i) => total + value * mix[i]!, 0);
  };
  const found = await run(
    feeds,
    inputs.map(({ name }) => `d_${name}`),
  );
  let analytic = 0;
  let size = 0;
  for (const [name, direction] of directions) {
    const gradient = found.get(`d_${name}`)!;
    if (String(gradient.dims) !== String(shapes.get(name)))
      throw new Error(`the gradient of ${name} has the shape [${gradient.dims}]`);
    for (const [i, value] of (gradient.data() as Float32Array).entries()) {
      analytic += value * direction[i]!;
      size += Math.abs(value * direction[i]!);
    }
  }
  const numeric = ((await lossAt(1)) - (await lossAt(-1))) / (2 * step);
  await executor.release();
  return { analytic, numeric, size };
}
