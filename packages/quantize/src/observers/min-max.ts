import type { Observer } from './observer.js';

/** The whole range that was seen: nothing is clipped. */
export const minMaxObserver: Observer = {
  name: 'min-max',
  description: 'the whole range seen, nothing clipped',
  range: ({ histogram }) => ({ low: histogram.min, high: histogram.max }),
};

/** The moving average (constant 0.01) of each sample's smallest and largest value, as PyTorch's observer of that name with one sample a step. */
export const movingAverageObserver: Observer = {
  name: 'moving-average',
  description: "moving average (0.01) of each sample's range",
  needs: 'moving-range',
  range: ({ movingMin, movingMax }) => ({ low: movingMin, high: movingMax }),
};
