import { quantizeTensor } from '@bitwright/core';
import type { RoundingAlgorithm } from './rounding-algorithm.js';

/** Rounds every weight to the nearest code, ties to even. */
export const nearestRounding: RoundingAlgorithm = {
  name: 'nearest',
  description: 'each weight to its nearest code',
  round: ({ weights, dims }, qparams) => ({ codes: quantizeTensor(weights, dims, qparams), qparams }),
};
