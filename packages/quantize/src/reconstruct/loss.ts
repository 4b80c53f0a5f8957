import { addGradients } from '@bitwright/autodiff';
import { emitBytes } from '@bitwright/emit';
import type { Graph, Value } from '@bitwright/graph';
import { inferShapes } from '@bitwright/rewrite';
import { GraphWriter } from './graph-writer.js';
import { batchLost } from './run-rows.js';
import type { TrainingGraph } from './training-graph.js';

/** A training graph as two models: one that runs it forward, one that computes the gradients of its loss. */
export interface TrainingModels {
  /** From `input` and the parameters to `output`. */
  readonly forward: Uint8Array;
  /** From `input`, `target` and the parameters to `gradients`, one a parameter. */
  readonly backward: Uint8Array;
  readonly input: string;
  readonly output: string;
  /** Undefined for a parameter that the loss does not depend on. */
  readonly gradients: readonly (string | undefined)[];
  readonly outputSizes: readonly number[];
}

/**
 * Adds a loss and its gradients to a training graph: the squared error of the output by the power of the target.
 *
 * @param power the mean square of the target.
 * @throws AUTODIFF_UNSUPPORTED, AUTODIFF_SHAPE; RECONSTRUCT_BATCH when the block does not keep the batch.
 */
export function buildModels(training: TrainingGraph, power: number): TrainingModels {
  const { module, input, output, parameters } = training;
  const { graph } = module;
  inferShapes(module);
  const sizes = output.shape;
  const batch = input.shape?.[0];
  if (sizes === undefined || !sizes.every((size) => typeof size === 'number') || sizes[0] !== batch) {
    throw batchLost(output.name, batch as number);
  }
  const forward = emitBytes(module, { external: 'inline' });
  const target = graph.placeholder('target', output.type).output;
  const loss = squaredError(graph, output, target, power);
  inferShapes(module);
  const inputs = parameters.map(({ name }) => graph.findValue(name)!);
  const gradients = addGradients(graph, loss, inputs);
  const names = inputs.map((value) => gradients.get(value)?.name);
  graph.setOutputs([...gradients.values()].filter((value) => value !== undefined));
  graph.eliminateDeadCode();
  return {
    forward,
    backward: emitBytes(module, { external: 'inline' }),
    input: input.name,
    output: output.name,
    gradients: names,
    outputSizes: sizes,
  };
}

function squaredError(graph: Graph, output: Value, target: Value, power: number): Value {
  const w = new GraphWriter(graph);
  const off = w.op('Sub', [output, target]);
  const mean = w.op('ReduceMean', [w.op('Mul', [off, off])], { keepdims: 0 });
  return w.op('Mul', [mean, w.scalar(1 / Math.max(power, 1e-12))]);
}
