import type { Value } from '@bitwright/graph';
import { sizesOf, type Vjp, type VjpCall } from '../gradient-builder.js';

/*
 * Operators on single elements, with y the result, g its gradient and [c] one where c holds and else zero.
 *
 *   a + b      g, g                 exp x     g y                  relu x         g [y > 0]
 *   a - b      g, -g                log x     g / x                leaky x        g (x > 0 ? 1 : alpha)
 *   a b        g b, g a             sqrt x    g / (2 y)            clip x         g [y = x]
 *   a / b      d = g / b, -d y      |x|       g sign x             sigmoid x      g y (1 - y)
 *   x^p        g p x^(p-1),         -x        -g                   tanh x         g (1 - y^2)
 *              g y log x            round x   g (straight through) hard-sigmoid   g alpha [0 < y < 1]
 *
 * An operand that was broadcast gets the sum over the places it went to.
 */

/** Gradients of two operands, each made only if wanted and summed down to its shape. */
function operands({ node, wanted, build }: VjpCall, parts: readonly (() => Value)[]): (Value | undefined)[] {
  const from = sizesOf(node.outputs[0]!);
  return parts.map((part, i) =>
    wanted[i] ? build.unbroadcast(part(), from, sizesOf(node.inputs[i]!)) : undefined,
  );
}

const yOf = (call: VjpCall): Value => call.node.outputs[0]!;
const xOf = (call: VjpCall): Value => call.node.inputs[0]!;

export const add: Vjp = (call) => operands(call, [() => call.grad, () => call.grad]);

export const sub: Vjp = (call) => operands(call, [() => call.grad, () => call.build.op('Neg', [call.grad])]);

export const sum: Vjp = (call) =>
  operands(
    call,
    call.node.inputs.map(() => () => call.grad),
  );

export const mul: Vjp = (call) => {
  const [a, b] = call.node.inputs;
  const { build, grad } = call;
  return operands(call, [() => build.op('Mul', [grad, b]), () => build.op('Mul', [grad, a])]);
};

export const div: Vjp = (call) => {
  const { build, grad, node } = call;
  const quotient = build.op('Div', [grad, node.inputs[1]]);
  const second = (): Value => build.op('Neg', [build.op('Mul', [quotient, yOf(call)])]);
  return operands(call, [() => quotient, second]);
};

export const pow: Vjp = (call) => {
  const { build, grad, node } = call;
  const [x, p] = node.inputs;
  const base = (): Value => {
    const less = build.op('Pow', [x, build.op('Sub', [p, build.scalar(1)])]);
    return build.op('Mul', [grad, build.op('Mul', [p, less])]);
  };
  const exponent = (): Value => build.op('Mul', [grad, build.op('Mul', [yOf(call), build.op('Log', [x])])]);
  return operands(call, [base, exponent]);
};

export const neg: Vjp = ({ build, grad }) => [build.op('Neg', [grad])];

export const straightThrough: Vjp = ({ grad }) => [grad];

export const exp: Vjp = (call) => [call.build.op('Mul', [call.grad, yOf(call)])];

export const log: Vjp = (call) => [call.build.op('Div', [call.grad, xOf(call)])];

export const sqrt: Vjp = (call) => {
  const { build, grad } = call;
  return [build.op('Div', [build.op('Mul', [grad, build.scalar(0.5)]), yOf(call)])];
};

export const abs: Vjp = (call) => {
  const { build, grad } = call;
  return [build.op('Mul', [grad, build.op('Sign', [xOf(call)])])];
};

export const relu: Vjp = (call) => {
  const { build, grad } = call;
  return [build.op('Mul', [grad, build.mask(build.op('Greater', [yOf(call), build.scalar(0)]))])];
};

export const leakyRelu: Vjp = (call) => {
  const { build, grad, node } = call;
  const alpha = node.attributes.float('alpha', Math.fround(0.01));
  const positive = build.op('Greater', [xOf(call), build.scalar(0)]);
  return [build.op('Where', [positive, grad, build.op('Mul', [grad, build.scalar(alpha)])])];
};

export const clip: Vjp = (call) => {
  const { build, grad } = call;
  return [build.op('Mul', [grad, build.mask(build.op('Equal', [yOf(call), xOf(call)]))])];
};

export const sigmoid: Vjp = (call) => {
  const { build, grad } = call;
  const rest = build.op('Sub', [build.scalar(1), yOf(call)]);
  return [build.op('Mul', [grad, build.op('Mul', [yOf(call), rest])])];
};

export const tanh: Vjp = (call) => {
  const { build, grad } = call;
  const square = build.op('Mul', [yOf(call), yOf(call)]);
  return [build.op('Mul', [grad, build.op('Sub', [build.scalar(1), square])])];
};

export const hardSigmoid: Vjp = (call) => {
  const alpha = call.node.attributes.float('alpha', Math.fround(0.2));
  return [call.build.op('Mul', [call.grad, slopeBetween(call, yOf(call), alpha)])];
};

/** y = x h(x) with h(x) = clip(x / 6 + 1/2, 0, 1), so the slope is h + x / 6 inside. */
export const hardSwish: Vjp = (call) => {
  const { build, grad } = call;
  const x = xOf(call);
  const gate = build.op('HardSigmoid', [x], {
    alpha: { type: 'float', value: 1 / 6 },
    beta: { type: 'float', value: 0.5 },
  });
  const inside = build.op('Mul', [x, slopeBetween(call, gate, 1 / 6)]);
  return [build.op('Mul', [grad, build.op('Add', [gate, inside])])];
};

/** `slope` where a gate is strictly between 0 and 1, else 0. */
function slopeBetween({ build }: VjpCall, gate: Value, slope: number): Value {
  const above = build.op('Greater', [gate, build.scalar(0)]);
  const below = build.op('Less', [gate, build.scalar(1)]);
  return build.op('Mul', [build.mask(build.op('And', [above, below])), build.scalar(slope)]);
}
