import type { Observer } from './observer.js';

const PERCENTILE = 99.99;

/** Keeps 99.99 % of the values: a one-sided tensor loses its upper tail only, a two-sided one half a share at each end. */
export const percentileObserver: Observer = {
  name: 'percentile',
  description: `keeps ${PERCENTILE} % of the values`,
  range({ histogram }) {
    const oneSided = histogram.min >= 0 || histogram.max <= 0;
    const cut = ((100 - PERCENTILE) / 100) * histogram.total * (oneSided ? 1 : 0.5);
    let below = 0;
    let low: number | undefined;
    let high = histogram.min;
    histogram.forEachBin((binLow, binHigh, count) => {
      if (low === undefined && below + count > cut) low = Math.max(binLow, histogram.min);
      if (below < histogram.total - cut) high = Math.min(binHigh, histogram.max);
      below += count;
    });
    return {
      low: histogram.min >= 0 ? histogram.min : (low ?? histogram.min),
      high: histogram.max <= 0 ? histogram.max : high,
    };
  },
};
