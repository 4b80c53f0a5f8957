import type { BackendPatternConfig, DTypeConfig, DTypeWithConstraints } from '@bitwright/backends';
import { constantTensor, type OpNode } from '@bitwright/graph';
import { type FloatReason, type OperandRoles, weightChannelAxis } from './operand-roles.js';
import type { QConfig } from './qconfig.js';

/** A choice that was asked for and that the table does not take here: what it was, and what is done. */
export interface Narrowing {
  readonly asked: string;
  readonly done: string;
}

/** The combination of a table's entry that a layer gets, and its configuration within it. */
export interface LayerChoice {
  readonly dtype: DTypeConfig;
  /** The configuration of weights and bias, narrowed to what the combination takes. */
  readonly config: QConfig;
  readonly narrowings: readonly Narrowing[];
}

/**
 * The first combination of an entry that takes the widths. Widths decide whether a layer is quantized at all; of the
 * other choices the table wins, and what it changes is told.
 */
export function chooseDType(
  entry: BackendPatternConfig,
  anchor: OpNode,
  roles: OperandRoles,
  config: QConfig,
): LayerChoice | FloatReason {
  const { weightInput } = roles;
  const takes = (operand: DTypeWithConstraints | undefined, bits: number): boolean =>
    operand === undefined || operand.bits.includes(bits);
  const dtype = entry.dtypes.find(
    ({ input, weight, output }) =>
      takes(input, config.activations) &&
      takes(output, config.activations) &&
      (weightInput === undefined || takes(weight, config.weights)),
  );
  if (dtype === undefined)
    return { code: 'FLOAT_BITS', reason: `the table takes no W${config.weights}A${config.activations} here` };
  const weight = weightInput === undefined ? undefined : dtype.weight;
  if (weight === undefined) return { dtype, config, narrowings: [] };
  const narrowings: Narrowing[] = [];
  const narrowed = narrowWeights(config, weight, anchor, weightInput!, narrowings);
  return { dtype, config: { ...narrowed, bias: biasForm(config, dtype, roles, narrowings) }, narrowings };
}

function narrowWeights(
  config: QConfig,
  weight: DTypeWithConstraints,
  anchor: OpNode,
  weightInput: number,
  narrowings: Narrowing[],
): QConfig {
  const axis = weightChannelAxis(anchor, constantTensor(anchor.inputs[weightInput])!.dims.length);
  const onAxis = weight.channelAxis === undefined || weight.channelAxis === axis;
  const perChannel = config.perChannel && weight.perChannel === true && onAxis;
  const symmetricWeights = config.symmetricWeights || weight.symmetric === true;
  const powerOfTwo = config.powerOfTwo || weight.powerOfTwo === true;
  if (perChannel !== config.perChannel)
    narrowings.push({ asked: 'weights per channel', done: 'one scale for all of them' });
  if (symmetricWeights !== config.symmetricWeights)
    narrowings.push({ asked: 'affine weights', done: 'symmetric ones' });
  if (powerOfTwo !== config.powerOfTwo)
    narrowings.push({ asked: 'any scale of the weights', done: 'powers of two' });
  return { ...config, perChannel, symmetricWeights, powerOfTwo };
}

/** The asked form of bias where the combination takes it, else the one that it prefers; none means float. */
function biasForm(
  config: QConfig,
  dtype: DTypeConfig,
  { biasInput }: OperandRoles,
  narrowings: Narrowing[],
): QConfig['bias'] {
  const accepted = dtype.bias ?? ['float'];
  if (accepted.includes(config.bias)) return config.bias;
  const bias = accepted[0] ?? 'float';
  if (biasInput !== undefined) narrowings.push({ asked: `${config.bias} bias`, done: `${bias} bias` });
  return bias;
}
