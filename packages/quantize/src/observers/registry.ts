import { findNamed } from '@bitwright/core';
import { aciqObserver } from './aciq.js';
import { entropyObserver } from './entropy.js';
import { minMaxObserver, movingAverageObserver } from './min-max.js';
import { mseObserver } from './mse.js';
import type { Observer } from './observer.js';
import { outputAwareObserver } from './output-aware.js';
import { percentileObserver } from './percentile.js';
import { torchHistogramObserver } from './torch-observer.js';

/** Every observer that ships, the default first. */
export const OBSERVERS: readonly Observer[] = [
  mseObserver,
  minMaxObserver,
  movingAverageObserver,
  percentileObserver,
  entropyObserver,
  torchHistogramObserver,
  aciqObserver,
  outputAwareObserver,
];

/** The observer of a name. @param extra observers beside those that ship, e.g. of plugins. @throws OBSERVER_UNKNOWN (wrong usage) with the nearest name. */
export function findObserver(name: string, extra: readonly Observer[] = []): Observer {
  return findNamed(name, [...OBSERVERS, ...extra], {
    code: 'OBSERVER_UNKNOWN',
    message: `There is no observer '${name}'.`,
    option: '--observer',
  });
}
