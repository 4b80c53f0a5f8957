import { channelLayout, floatData, type QuantGrid, roundHalfEven, type Tensor } from '@bitwright/core';
import type { GraphModule, QuantizedTensor } from '@bitwright/graph';
import type { PreparedLayer, PreparedModel } from '../prepare.js';

/** The network as it was before rounding, for targets and for where each weight lies between its codes. */
export interface FloatModel {
  readonly module: GraphModule;
  readonly weights: ReadonlyMap<PreparedLayer, Tensor>;
}

/** Remembers a prepared model before it is calibrated and rounded. */
export function rememberFloat(prepared: PreparedModel): FloatModel {
  const weights = new Map<PreparedLayer, Tensor>();
  for (const layer of prepared.layers) {
    const producer = layer.weightQuantizer?.inputs[0]?.producer;
    if (producer?.kind === 'get_attr') weights.set(layer, producer.tensor);
  }
  return { module: prepared.module.clone(), weights };
}

/** A weight starts at most so far from its code, in steps: short of the border, so that at first every code stays. */
const FARTHEST = 0.45;

/**
 * Weights in units of their step, which round to the codes that they have and lean to where the float weight lies.
 *
 * @returns one value a weight, zero point included.
 */
export function latentWeights({ codes, dims, qparams }: QuantizedTensor, float: Tensor): Float32Array {
  const weights = floatData(float);
  const { channels, inner } = channelLayout(dims, qparams.axis);
  const latent = new Float32Array(codes.length);
  for (let i = 0; i < codes.length; i++) {
    const channel = channels === 1 ? 0 : Math.floor(i / inner) % channels;
    const place = weights[i]! / qparams.scale[channel]! + qparams.zeroPoint[channel]!;
    latent[i] = codes[i]! + Math.min(Math.max(place - codes[i]!, -FARTHEST), FARTHEST);
  }
  return latent;
}

/** The codes that latent weights round to. */
export function latentCodes(latent: Float32Array, { quantMin, quantMax }: QuantGrid): Int32Array {
  return Int32Array.from(latent, (value) => Math.min(Math.max(roundHalfEven(value), quantMin), quantMax));
}
