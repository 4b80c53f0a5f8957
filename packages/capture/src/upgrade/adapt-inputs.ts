import { int64Tensor } from '@bitwright/core';
import type { OpNode } from '@bitwright/graph';
import { changeAttributes, intsToInput, setInput } from './adapt.js';
import { floatScalar } from './scalars.js';
import type { Adapter, Upgrade } from './upgrade.js';

const LARGEST_FLOAT = 3.4028234663852886e38;

/** Clip 11: the attributes min and max become inputs; bounds at the ends of float32, the old defaults, are left out. */
export const clipBounds: Adapter = (node, upgrade) => {
  const min = node.attributes.float('min', -LARGEST_FLOAT);
  const max = node.attributes.float('max', LARGEST_FLOAT);
  changeAttributes(node, { min: undefined, max: undefined });
  if (min > -LARGEST_FLOAT) setFloatInput(node, 1, 'min', min, upgrade);
  if (max < LARGEST_FLOAT) setFloatInput(node, 2, 'max', max, upgrade);
};

/** Pad 11: the attributes pads and value become inputs. */
export const padInputs: Adapter = (node, upgrade) => {
  intsToInput('pads', 1)(node, upgrade);
  const value = node.attributes.float('value', 0);
  changeAttributes(node, { value: undefined });
  if (value !== 0) setFloatInput(node, 2, 'value', value, upgrade);
};

/** Slice 10: starts, ends and axes become inputs. */
export const sliceInputs: Adapter = (node, upgrade) => {
  for (const [i, name] of ['starts', 'ends', 'axes'].entries()) intsToInput(name, i + 1)(node, upgrade);
};

/** TopK 10: k becomes an input of one element. */
export const topKCount: Adapter = (node, upgrade) => {
  const k = node.attributes.int('k', 1);
  changeAttributes(node, { k: undefined });
  setInput(node, 1, upgrade.constant(node, 'k', int64Tensor([k])));
};

/** Reduce operators 13 and 18: axes become an input. An empty list meant all axes, as an absent input does. */
export const reduceAxes: Adapter = (node, upgrade) => {
  if (node.attributes.ints('axes')?.length === 0) changeAttributes(node, { axes: undefined });
  intsToInput('axes', 1)(node, upgrade);
};

/** Split 18: an even split states the number of its parts. */
export const splitCount: Adapter = (node) => {
  if (node.inputs[1] === undefined) changeAttributes(node, { num_outputs: node.outputs.length });
};

/** DFT 20: the axis becomes an input, and its default changes from 1 to -2. */
export const dftAxis: Adapter = (node, upgrade) => {
  const axis = node.attributes.int('axis', 1);
  changeAttributes(node, { axis: undefined });
  setInput(node, 2, upgrade.constant(node, 'axis', int64Tensor([axis], [])));
};

/** Dropout 12: the ratio becomes an input; inference, which ignores it, is the default. */
export const dropoutRatio: Adapter = (node, upgrade) => {
  const ratio = node.attributes.float('ratio', 0.5);
  const stated = node.attributes.has('ratio');
  changeAttributes(node, { ratio: undefined });
  if (stated) setInput(node, 1, upgrade.constant(node, 'ratio', floatScalar('float', ratio)!));
};

function setFloatInput(node: OpNode, index: number, name: string, value: number, upgrade: Upgrade): void {
  const dtype = upgrade.dtype(node, node.inputs[0]);
  const tensor = floatScalar(dtype, value);
  if (tensor === undefined) upgrade.noPath(node, `its input is ${dtype}, where a float was expected`);
  setInput(node, index, upgrade.constant(node, name, tensor));
}
