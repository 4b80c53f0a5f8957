import { findNamed } from '@bitwright/core';
import { adaRounding } from './adaround.js';
import { coordinateDescentRounding } from './coordinate-descent.js';
import { gptqRounding } from './gptq.js';
import { nearestRounding } from './nearest.js';
import type { RoundingAlgorithm } from './rounding-algorithm.js';
import { squantRounding } from './squant.js';

/** Every rounding algorithm that ships. */
export const ROUNDINGS: readonly RoundingAlgorithm[] = [
  nearestRounding,
  squantRounding,
  gptqRounding,
  coordinateDescentRounding,
  adaRounding,
];

/** The rounding algorithm of a name. @param more those of plugins. @throws ROUNDING_UNKNOWN (wrong usage) with the nearest name. */
export function findRounding(name: string, more: readonly RoundingAlgorithm[] = []): RoundingAlgorithm {
  return findNamed(name, [...ROUNDINGS, ...more], {
    code: 'ROUNDING_UNKNOWN',
    message: `There is no rounding algorithm '${name}'.`,
    option: '--rounding',
  });
}
