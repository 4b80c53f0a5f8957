import { int64Tensor } from '@bitwright/core';
import type { OpNode, Value } from '@bitwright/graph';
import { changeAttributes } from './adapt.js';
import { floatScalar } from './scalars.js';
import type { Adapter, Upgrade } from './upgrade.js';

/** BatchNormalization 9: statistics for each activation (spatial = 0) are gone; plain arithmetic, broadcast over the batch, says the same. */
export const batchNormSpatial: Adapter = (node, upgrade) => {
  const spatial = node.attributes.int('spatial', 1);
  changeAttributes(node, { spatial: undefined });
  if (spatial === 1) return;
  dropUnusedOutputs(node, upgrade);
  const [x, scale, bias, mean, variance] = node.inputs;
  const dtype = upgrade.dtype(node, x);
  const tensor = floatScalar(dtype, node.attributes.float('epsilon', 1e-5));
  if (tensor === undefined) return upgrade.noPath(node, `its input is ${dtype}, where a float was expected`);
  const epsilon = upgrade.constant(node, 'epsilon', tensor);
  const op = (opType: string, ...inputs: (Value | undefined)[]): Value =>
    upgrade.op(node, { opType, suffix: opType.toLowerCase(), inputs });
  const deviation = op('Sqrt', op('Add', variance, epsilon));
  const normalized = op('Div', op('Sub', x, mean), deviation);
  upgrade.replace(node, op('Add', op('Mul', normalized, scale), bias));
};

/** BatchNormalization 14: the running statistics of training have other places; inference has one result. */
export const batchNormOutputs: Adapter = (node, upgrade) => dropUnusedOutputs(node, upgrade);

function dropUnusedOutputs(node: OpNode, upgrade: Upgrade): void {
  const [, ...others] = node.outputs;
  if (others.some((value) => value.uses.size > 0)) upgrade.noPath(node, 'its training results are used');
  if (others.length === 0) return;
  const { opType, name, inputs, attributes } = node;
  const made = node.graph.createOp({ opType, name, inputs, attributes, before: node });
  made.origin = node.origin;
  upgrade.replace(node, made.output);
}

/**
 * GroupNormalization 21: scale and bias have one element a channel instead of one a group. Each is repeated for the
 * channels of its group, whose number C / G is computed when the shape doesn't tell it.
 */
export const groupNormChannels: Adapter = (node, upgrade) => {
  const [x, scale, bias] = node.inputs;
  const groups = node.attributes.int('num_groups', 1);
  const constant = (suffix: string, values: number[]): Value =>
    upgrade.constant(node, suffix, int64Tensor(values));
  const channels = x?.shape?.[1];
  let grid: Value;
  if (typeof channels === 'number') grid = constant('grid', [groups, channels / groups]);
  else {
    const counted = upgrade.op(node, {
      opType: 'Shape',
      suffix: 'channels',
      inputs: [x],
      attributes: { start: 1, end: 2 },
    });
    const share = upgrade.op(node, {
      opType: 'Div',
      suffix: 'share',
      inputs: [counted, constant('groups', [groups])],
    });
    const inputs = [constant('rows', [groups]), share];
    grid = upgrade.op(node, { opType: 'Concat', suffix: 'grid', inputs, attributes: { axis: 0 } });
  }
  const column = constant('column', [groups, 1]);
  const flat = constant('flat', [-1]);
  const repeated = (value: Value | undefined, what: string): Value => {
    const op = (opType: string, first: Value | undefined, second: Value): Value =>
      upgrade.op(node, { opType, suffix: `${what}_${opType.toLowerCase()}`, inputs: [first, second] });
    return op('Reshape', op('Expand', op('Reshape', value, column), grid), flat);
  };
  node.setInput(1, repeated(scale, 'scale'));
  node.setInput(2, repeated(bias, 'bias'));
};
