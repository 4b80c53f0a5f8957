import type { OpNode, Value } from '@bitwright/graph';
import { constantOf } from './constant-of.js';
import { floatType, type Lifter, type LiftHandler, type Twin } from './lifter.js';
import { sameScale, Unliftable } from './read-qparams.js';

/** Operators that move codes or take their maximum, which dequantization commutes with, as scales are positive. */
const MOVING = [
  'DepthToSpace',
  'Expand',
  'Flatten',
  'Gather',
  'Identity',
  'MaxPool',
  'Reshape',
  'Slice',
  'SpaceToDepth',
  'Split',
  'Squeeze',
  'Tile',
  'Transpose',
  'Unsqueeze',
] as const;

/** Lets an operator move floats instead of the codes that stand for them. */
const liftMoving: LiftHandler = (lifter, node) => {
  const twin = lifter.twinOf(node.inputs[0]);
  if (twin === undefined) return;
  const indices = node.is('MaxPool') ? node.outputs[1] : undefined;
  if (indices !== undefined && indices.uses.size > 0)
    return lifter.leave(node, new Unliftable('LIFT_OPERATOR', 'its indices are read'));
  recreate(lifter, node, [twin.value(node), ...node.inputs.slice(1)], twin);
};

/** Concat and Resize move codes where all inputs have one grid and no codes are mixed. */
const liftConcat: LiftHandler = (lifter, node) => {
  const twins = node.inputs.map((value) => lifter.twinOf(value));
  const [first] = twins;
  if (first === undefined || !twins.every((twin) => twin && sameScale(twin.qparams, first.qparams))) return;
  recreate(
    lifter,
    node,
    twins.map((twin) => twin!.value(node)),
    first,
  );
};

const liftResize: LiftHandler = (lifter, node) => {
  if (node.attributes.string('mode', 'nearest') === 'nearest') liftMoving(lifter, node);
};

/** Pad moves codes where it pads with the zero point, which is the float 0. */
const liftPad: LiftHandler = (lifter, node) => {
  const twin = lifter.twinOf(node.inputs[0]);
  if (twin === undefined) return;
  const [, pads, value, ...rest] = node.inputs;
  const padded = value === undefined ? 0 : Number(constantOf(value)?.data()[0]);
  const isConstant = node.attributes.string('mode', 'constant') === 'constant';
  if (isConstant && padded !== twin.qparams.zeroPoint[0])
    return lifter.leave(
      node,
      new Unliftable('LIFT_OPERATOR', 'it pads with codes other than the zero point'),
    );
  recreate(lifter, node, [twin.value(node), pads, undefined, ...rest], twin);
};

function recreate(
  lifter: Lifter,
  node: OpNode,
  inputs: readonly (Value | undefined)[],
  { qparams, carrier }: Twin,
): void {
  const made = lifter.graph.createOp({
    opType: node.opType,
    name: node.name,
    inputs,
    attributes: node.attributes,
    outputs: node.outputs.map((value) => {
      const type = floatType(value);
      return { name: lifter.graph.freshName(`${value.name}_float`), ...(type && { type }) };
    }),
    before: node,
  });
  // moved values lie on the grid already: the quantizer behind them changes nothing and says so to the next reader
  for (const [i, value] of node.outputs.entries())
    lifter.setTwin(value, lifter.quantized(made.outputs[i]!, qparams, carrier));
}

/** The handlers of operators that work on codes as they would on floats. */
export const MOVING_HANDLERS: Readonly<Record<string, LiftHandler>> = {
  ...Object.fromEntries(MOVING.map((opType) => [opType, liftMoving])),
  Concat: liftConcat,
  Resize: liftResize,
  Pad: liftPad,
};
