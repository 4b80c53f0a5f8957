import {
  DenseTensor,
  dtypeOfCode,
  floatTensor,
  int64Tensor,
  integerData,
  type Tensor,
} from '@bitwright/core';
import { constantTensor, type OpNode, type Value } from '@bitwright/graph';

/** The tensor of a value that is fixed in the model: an initializer, a Constant node, or one of them behind Identity or an integer Cast. */
export function constantOf(value: Value | undefined): Tensor | undefined {
  const tensor = constantTensor(value);
  if (tensor !== undefined || value?.producer.kind !== 'op') return tensor;
  const { producer } = value;
  if (producer.is('Constant')) return constantNode(producer);
  if (producer.is('Identity')) return constantOf(producer.inputs[0]);
  return producer.is('Cast') ? castInteger(producer) : undefined;
}

function constantNode({ attributes }: OpNode): Tensor | undefined {
  const tensor = attributes.tensor('value');
  if (tensor !== undefined) return tensor;
  if (attributes.has('value_float')) return floatTensor([attributes.float('value_float', 0)], []);
  if (attributes.has('value_int')) return int64Tensor([attributes.int('value_int', 0)], []);
  return undefined;
}

const ARRAYS = {
  int2: Int8Array,
  int4: Int8Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  uint2: Uint8Array,
  uint4: Uint8Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
} as const;

/** Integers in another element type; undefined where a value would not fit, as then the cast is no change of carrier. */
function castInteger(node: OpNode): Tensor | undefined {
  const to = dtypeOfCode(node.attributes.int('to', 0));
  const from = constantOf(node.inputs[0]);
  if (from === undefined || to === undefined || !(to in ARRAYS) || !/^u?int/.test(from.dtype))
    return undefined;
  const values = integerData(from);
  const made = ARRAYS[to as keyof typeof ARRAYS].from(values);
  return values.every((value, i) => value === made[i]) ? new DenseTensor(to, from.dims, made) : undefined;
}
