import { floatData, floatTensor, type Tensor } from '@bitwright/core';
import { changeAttributes, isEmpty, setInput } from './adapt.js';
import { constantOf } from './known-types.js';
import type { Adapter } from './upgrade.js';

/** Upsample 7: two scales become one per axis, and bilinear is called linear. */
export const upsampleAxes: Adapter = (node) => {
  const scales = [1, 1, node.attributes.float('height_scale', 1), node.attributes.float('width_scale', 1)];
  const mode = node.attributes.string('mode', 'nearest') === 'bilinear' ? 'linear' : undefined;
  changeAttributes(node, {
    height_scale: undefined,
    width_scale: undefined,
    scales: { type: 'floats', value: scales },
    ...(mode && { mode }),
  });
};

/** Upsample 9: the scales become an input. */
export const upsampleScales: Adapter = (node, upgrade) => {
  const scales = node.attributes.get('scales');
  if (scales?.type !== 'floats') return upgrade.noPath(node, 'it states no scales');
  changeAttributes(node, { scales: undefined });
  setInput(node, 1, upgrade.constant(node, 'scales', floatTensor(scales.value)));
};

/**
 * Resize 11: (X, scales) becomes (X, roi, scales), and what version 10 left to the runtime is stated: coordinates are
 * asymmetric, x_original = x / scale, and `nearest` takes the floor where an axis grows, the ceiling where it shrinks
 * (ONNX Runtime's rule). One node has one rule, so that a mixture becomes two nodes: nearest is separable.
 */
export const resizeMode: Adapter = (node, upgrade) => {
  const scales = node.inputs[1];
  if (scales === undefined) return upgrade.noPath(node, 'it has no scales');
  const place = (tensor: Tensor) => upgrade.constant(node, 'scales', tensor);
  // Version 11 demands the input; version 13 lets it be left out.
  const roi = upgrade.target < 13 ? upgrade.constant(node, 'roi', floatTensor([])) : undefined;
  setInput(node, 2, scales);
  node.setInput(1, roi);
  changeAttributes(node, { coordinate_transformation_mode: 'asymmetric' });
  if (node.attributes.string('mode', 'nearest') !== 'nearest') return;
  const known = constantOf(scales);
  if (known === undefined) {
    upgrade.warn(
      node,
      'OPSET_RESIZE_ASSUMED',
      'the scales are computed and were taken to be 1 or more',
      'Compare the outputs if the node shrinks an axis by the nearest rule.',
    );
  }
  const factors = known === undefined ? [] : Array.from(floatData(known));
  const grows = factors.some((factor) => factor > 1);
  const shrinks = factors.some((factor) => factor < 1);
  changeAttributes(node, { nearest_mode: shrinks && !grows ? 'ceil' : 'floor' });
  if (!(shrinks && grows)) return;
  node.setInput(2, place(floatTensor(factors.map((factor) => Math.max(factor, 1)))));
  const attributes = node.attributes.with({ nearest_mode: 'ceil' });
  const down = place(floatTensor(factors.map((factor) => Math.min(factor, 1))));
  upgrade.after(node, 0, (grown) => ({
    opType: 'Resize',
    suffix: 'shrink',
    inputs: [grown, roi, down],
    attributes,
  }));
};

/**
 * Resize 13: inputs that are not used are left out, and `tf_half_pixel_for_nn` is gone. It is (x + 0.5) / scale, half a
 * pixel more than `half_pixel`; floor(h + 0.5) is round_prefer_ceil(h).
 */
export const resizeInputs: Adapter = (node, upgrade) => {
  if (node.inputs[3] !== undefined && isEmpty(constantOf(node.inputs[2]))) setInput(node, 2, undefined);
  if (isEmpty(constantOf(node.inputs[1]))) setInput(node, 1, undefined);
  if (node.attributes.string('coordinate_transformation_mode', 'half_pixel') !== 'tf_half_pixel_for_nn')
    return;
  const nearest = node.attributes.string('nearest_mode', 'round_prefer_floor');
  if (node.attributes.string('mode', 'nearest') !== 'nearest' || nearest !== 'floor')
    return upgrade.noPath(node, `tf_half_pixel_for_nn with '${nearest}' has no equal`);
  changeAttributes(node, { coordinate_transformation_mode: 'half_pixel', nearest_mode: 'round_prefer_ceil' });
};
