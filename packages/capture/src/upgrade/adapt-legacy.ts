import { codeOfDtype, integerData, isDtype } from '@bitwright/core';
import { changeAttributes, dropAttributes, intsToInput, setInput } from './adapt.js';
import { constantOf, dtypeOf, rankOf } from './known-types.js';
import type { Adapter } from './upgrade.js';

/** Binary operators 7: `broadcast` with an `axis` becomes the alignment at the last axis, by axes of size 1 behind the second input. */
export const broadcastAxis: Adapter = (node, upgrade) => {
  const aligned = node.attributes.int('broadcast', 0) === 1 && node.attributes.has('axis');
  const axis = node.attributes.int('axis', 0);
  changeAttributes(node, { broadcast: undefined, axis: undefined });
  if (!aligned) return;
  const [rank, slim] = [rankOf(node.inputs[0]), rankOf(node.inputs[1])];
  if (rank === undefined || slim === undefined)
    return upgrade.noPath(node, 'the ranks of its inputs are not known, which its broadcast axis needs');
  const behind = rank - (axis < 0 ? axis + rank : axis) - slim;
  if (behind <= 0) return;
  const axes = Array.from({ length: behind }, (_, i) => slim + i);
  const wide = upgrade.op(node, {
    opType: 'Unsqueeze',
    suffix: 'wide',
    inputs: [node.inputs[1]],
    attributes: { axes },
  });
  node.setInput(1, wide);
};

/** PRelu 7: a slope for each channel is aligned at the last axis, no longer at the channels. */
export const preluSlope: Adapter = (node, upgrade) => {
  const slope = node.inputs[1];
  if (slope?.shape?.length !== 1) return;
  if (slope.shape[0] === 1) return;
  const rank = rankOf(node.inputs[0]);
  if (rank === undefined) return upgrade.noPath(node, 'the rank of its input is not known');
  if (rank <= 2) return;
  const axes = Array.from({ length: rank - 2 }, (_, i) => i + 1);
  node.setInput(
    1,
    upgrade.op(node, { opType: 'Unsqueeze', suffix: 'wide', inputs: [slope], attributes: { axes } }),
  );
};

/** Cast 6: the type is a number, no longer a word. */
export const castType: Adapter = (node, upgrade) => {
  const name = node.attributes.string('to', '').toLowerCase();
  if (!isDtype(name)) return upgrade.noPath(node, `its type '${name}' is not known`);
  changeAttributes(node, { to: codeOfDtype(name) });
};

/** Reshape 5: the shape becomes an input. */
export const reshapeShape: Adapter = (node, upgrade) => {
  dropAttributes('consumed_inputs')(node, upgrade);
  intsToInput('shape', 1)(node, upgrade);
};

/** Split 2: sizes as an input become an attribute, which version 13 turns back. */
export const splitSizes: Adapter = (node, upgrade) => {
  if (node.inputs[1] === undefined) return;
  const sizes = constantOf(node.inputs[1]);
  if (sizes === undefined) return upgrade.noPath(node, 'its sizes are computed');
  setInput(node, 1, undefined);
  changeAttributes(node, { split: integerData(sizes) });
};

/** LpPool and GlobalLpPool 2: p is an integer. */
export const integerNorm: Adapter = (node, upgrade) => {
  const p = node.attributes.float('p', 2);
  if (!Number.isInteger(p)) return upgrade.noPath(node, `its norm p = ${p} is no integer`);
  changeAttributes(node, { p });
};

/** Dropout 10: the mask is bool, no longer of the input's type. */
export const dropoutMask: Adapter = (node, upgrade) => {
  const mask = node.outputs[1];
  if (mask === undefined || mask.name === '' || mask.uses.size === 0) return;
  const to = codeOfDtype(dtypeOf(mask) ?? upgrade.dtype(node, node.inputs[0]));
  upgrade.after(node, 1, (result) => ({
    opType: 'Cast',
    suffix: 'mask',
    inputs: [result],
    attributes: { to },
  }));
};

/**
 * Scan 9: there is no batch axis any more, nor a length for each sequence. A batch of one is squeezed away before and put
 * back behind; larger ones have no path.
 */
export const scanBatch: Adapter = (node, upgrade) => {
  const [lengths, ...inputs] = node.inputs;
  if (lengths !== undefined) return upgrade.noPath(node, 'its sequences have lengths of their own');
  if (!inputs.some((value) => value?.shape?.[0] === 1))
    return upgrade.noPath(node, 'its batch is not known to have the size 1');
  for (const [i, value] of inputs.entries()) {
    const attributes = { axes: [0] };
    const slim = upgrade.op(node, { opType: 'Squeeze', suffix: 'slim', inputs: [value], attributes });
    node.setInput(i, slim);
  }
  node.truncateInputs(inputs.length);
  const directions = node.attributes.get('directions');
  changeAttributes(node, { directions: undefined, ...(directions && { scan_input_directions: directions }) });
  for (const [i, value] of node.outputs.entries()) {
    if (value.name === '') continue;
    const attributes = { axes: [0] };
    upgrade.after(node, i, (result) => ({
      opType: 'Unsqueeze',
      suffix: 'batch',
      inputs: [result],
      attributes,
    }));
  }
};
