import { isDeQuantStub, isQuantizer, type OpNode, quantSpecOf, type Value } from '@bitwright/graph';

/** Operators that only change a tensor's shape. */
const SHAPE_OPS = ['Reshape', 'Flatten', 'Transpose', 'Squeeze', 'Unsqueeze', 'Identity'];

/** Operators that leave values on the grid that they are on. */
const MOVING_OPS = new Set([
  ...SHAPE_OPS,
  ...['Slice', 'Split', 'Gather', 'Concat', 'Pad', 'Expand', 'Tile', 'MaxPool', 'Relu', 'Clip'],
  ...['DepthToSpace', 'SpaceToDepth'],
]);

/** The value behind operators that only change its shape. */
export function behindShapes(value: Value): Value {
  return behind(value, new Set(SHAPE_OPS));
}

/** The value behind operators that keep each element on its grid. */
export function behindMoves(value: Value): Value {
  return behind(value, MOVING_OPS);
}

/** The quantizer of activations that makes a value; undefined for any other producer. */
export function activationQuantizer(value: Value | undefined): OpNode | undefined {
  const node = value?.producer;
  return isQuantizer(node) && quantSpecOf(node).role === 'activation' ? node : undefined;
}

function behind(from: Value, operators: ReadonlySet<string>): Value {
  let value = from;
  for (;;) {
    const { producer } = value;
    if (producer.kind !== 'op') return value;
    const next = producer.inputs[0];
    const moves = producer.domain === '' && operators.has(producer.opType);
    if (next === undefined || !(moves || isDeQuantStub(producer))) return value;
    value = next;
  }
}
