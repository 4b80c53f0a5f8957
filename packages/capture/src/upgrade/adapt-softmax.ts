import { changeAttributes } from './adapt.js';
import { rankOf } from './known-types.js';
import type { Adapter } from './upgrade.js';

/**
 * Softmax, LogSoftmax, Hardmax 13: until 12 the input is seen as a matrix, all axes before `axis` (1 by default) by all
 * from it on, and each row is normalized; from 13 only the one axis is. Both are the same when `axis` is the last axis, or
 * when all axes behind it have size 1; else the matrix is made: Flatten, operator along the last axis, Reshape back.
 */
export const softmaxAxis: Adapter = (node, upgrade) => {
  const input = node.inputs[0];
  const axis = node.attributes.int('axis', 1);
  const rank = rankOf(input);
  const first = axis < 0 && rank !== undefined ? axis + rank : axis;
  const isLast = axis === -1 || (rank !== undefined && first === rank - 1);
  const onesBehind = first >= 0 && input?.shape?.slice(first + 1).every((dim) => dim === 1);
  if (isLast || onesBehind === true) {
    changeAttributes(node, { axis });
    return;
  }
  const shape = upgrade.op(node, { opType: 'Shape', suffix: 'shape', inputs: [input] });
  const rows = upgrade.op(node, { opType: 'Flatten', suffix: 'rows', inputs: [input], attributes: { axis } });
  node.setInput(0, rows);
  changeAttributes(node, { axis: -1 });
  upgrade.after(node, 0, (result) => ({ opType: 'Reshape', suffix: 'reshape', inputs: [result, shape] }));
};
