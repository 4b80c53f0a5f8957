import { BitwrightError } from '@bitwright/core';
import type { Graph, OpNode, Value } from '@bitwright/graph';
import { match } from 'ts-pattern';
import { type DifferentiableOp, isDifferentiable } from './differentiable.js';
import { GradientBuilder, sizeOf, unsupported, type Vjp } from './gradient-builder.js';
import { convVjp } from './rules/conv.js';
import * as elementwise from './rules/elementwise.js';
import * as layout from './rules/layout.js';
import { gemmVjp, matMulVjp } from './rules/mat-mul.js';
import { averagePoolVjp, globalAveragePoolVjp, maxPoolVjp } from './rules/pool.js';
import { logSoftmaxVjp, reduceMeanVjp, reduceSumVjp, softmaxVjp } from './rules/reduce.js';

/**
 * Adds to a graph the nodes that compute the gradient of a scalar, by reverse accumulation (Griewank & Walther, Evaluating
 * Derivatives, chapter 3): in the reverse of the graph's order each operator turns the gradient of its result into those of
 * its inputs. What `loss` does not depend on is not visited, nor is what leads to none of `wrt`.
 *
 * @param loss a value of one element, in the main graph; shapes must have been inferred and be fixed.
 * @returns the gradient of each value of `wrt`, in its shape; undefined for one that the loss does not depend on.
 * @throws AUTODIFF_LOSS, AUTODIFF_SHAPE, AUTODIFF_UNSUPPORTED naming the node.
 */
export function addGradients(
  graph: Graph,
  loss: Value,
  wrt: readonly Value[],
): Map<Value, Value | undefined> {
  if (sizeOf(loss) !== 1) {
    throw new BitwrightError({
      code: 'AUTODIFF_LOSS',
      message: `The gradient of '${loss.name}' was asked for, which has ${sizeOf(loss)} elements.`,
      hint: 'Reduce it to one number first.',
      at: { value: loss.name },
    });
  }
  const build = new GradientBuilder(graph);
  const active = dependents(graph, wrt);
  const parts = new Map<Value, Value[]>();
  const seed = build.scalar(1);
  if (active.has(loss)) parts.set(loss, [loss.shape?.length === 0 ? seed : build.reshape(seed, [1])]);
  const grads = new Map<Value, Value>();
  const gradientOf = (value: Value): Value | undefined => {
    const known = grads.get(value);
    const received = parts.get(value);
    if (known !== undefined || received === undefined) return known;
    const total = build.total(received);
    grads.set(value, total);
    return total;
  };
  for (const node of [...graph.ops()].reverse()) {
    const grad = node.outputs[0] && gradientOf(node.outputs[0]);
    if (grad === undefined) continue;
    const wanted = node.inputs.map((value) => value !== undefined && active.has(value));
    for (const [i, part] of vjpOf(node)({ node, grad, wanted, build }).entries()) {
      const value = node.inputs[i];
      if (part === undefined || value === undefined || !active.has(value)) continue;
      const list = parts.get(value);
      if (list === undefined) parts.set(value, [part]);
      else list.push(part);
    }
  }
  return new Map(wrt.map((value) => [value, gradientOf(value)]));
}

/** The values that depend on some of the given ones, these included. */
function dependents(graph: Graph, roots: readonly Value[]): Set<Value> {
  const found = new Set(roots);
  for (const node of graph.ops())
    if (node.inputs.some((value) => value !== undefined && found.has(value)))
      for (const value of node.outputs) found.add(value);
  return found;
}

function vjpOf(node: OpNode): Vjp {
  if (!isDifferentiable(node)) throw unsupported(node, 'its operator has no gradient here');
  return match(node.opType as DifferentiableOp)
    .with('Abs', () => elementwise.abs)
    .with('Add', () => elementwise.add)
    .with('AveragePool', () => averagePoolVjp)
    .with('Clip', () => elementwise.clip)
    .with('Concat', () => layout.concat)
    .with('Conv', () => convVjp)
    .with('Div', () => elementwise.div)
    .with('Exp', () => elementwise.exp)
    .with('Gemm', () => gemmVjp)
    .with('GlobalAveragePool', () => globalAveragePoolVjp)
    .with('HardSigmoid', () => elementwise.hardSigmoid)
    .with('HardSwish', () => elementwise.hardSwish)
    .with('Identity', 'Round', () => elementwise.straightThrough)
    .with('LeakyRelu', () => elementwise.leakyRelu)
    .with('Log', () => elementwise.log)
    .with('LogSoftmax', () => logSoftmaxVjp)
    .with('MatMul', () => matMulVjp)
    .with('MaxPool', () => maxPoolVjp)
    .with('Mul', () => elementwise.mul)
    .with('Neg', () => elementwise.neg)
    .with('Pad', () => layout.pad)
    .with('Pow', () => elementwise.pow)
    .with('ReduceMean', () => reduceMeanVjp)
    .with('ReduceSum', () => reduceSumVjp)
    .with('Relu', () => elementwise.relu)
    .with('Flatten', 'Reshape', 'Squeeze', 'Unsqueeze', () => layout.reshaping)
    .with('Sigmoid', () => elementwise.sigmoid)
    .with('Slice', () => layout.slice)
    .with('Softmax', () => softmaxVjp)
    .with('Sqrt', () => elementwise.sqrt)
    .with('Sub', () => elementwise.sub)
    .with('Sum', () => elementwise.sum)
    .with('Tanh', () => elementwise.tanh)
    .with('Transpose', () => layout.transpose)
    .exhaustive();
}
