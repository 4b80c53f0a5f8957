import { BitwrightError, didYouMean } from '@bitwright/core';
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
  const known = [...OBSERVERS, ...extra];
  const found = known.find((observer) => observer.name === name);
  if (found !== undefined) return found;
  throw new BitwrightError({
    code: 'OBSERVER_UNKNOWN',
    message: `There is no observer '${name}'.`,
    hint: didYouMean(
      name,
      known.map((observer) => observer.name),
    ),
    at: { option: '--observer' },
    kind: 'usage',
  });
}
