import type { FloatHistogram } from './float-histogram.js';
import type { Observer } from './observer.js';

/** The best clip in units of the Laplace distribution's mean deviation, by bits from 2 (R. Banner et al., "Post training 4-bit quantization", 2019). */
const LAPLACE = [2.83, 3.9, 5.03, 6.2, 7.41, 8.65, 9.9, 11.16];
/** The same in units of the normal distribution's standard deviation. */
const NORMAL = [1.71, 2.15, 2.56, 2.94, 3.29, 3.62, 3.92, 4.2];

/**
 * Clips analytically: the best range of the Laplace or normal distribution that is nearer to the data, as ACIQ does. It
 * needs no search, and so is what a search can be held against.
 */
export const aciqObserver: Observer = {
  name: 'aciq',
  description: 'the best clip of the nearer of a Laplace and a normal distribution',
  range({ histogram }, { grid }) {
    const { min, max } = histogram;
    if (grid.bits > 8) return { low: min, high: max };
    const moments = momentsOf(histogram);
    const isOneSided = min >= 0;
    // behind a Relu one half of the distribution is left, and so one bit more for it
    const index = Math.min(grid.bits - 2 + (isOneSided ? 1 : 0), LAPLACE.length - 1);
    const laplace = LAPLACE[index]! * moments.meanDeviation;
    const normal = NORMAL[index]! * moments.deviation;
    // the mean deviation of a normal distribution is sqrt(2/pi) of its standard deviation, a Laplace distribution's 1/sqrt(2)
    const ratio = moments.meanDeviation / moments.deviation;
    const clip = Math.abs(ratio - Math.SQRT1_2) < Math.abs(ratio - Math.sqrt(2 / Math.PI)) ? laplace : normal;
    if (!(clip > 0)) return { low: min, high: max };
    const centre = isOneSided ? 0 : moments.mean;
    return { low: Math.max(min, centre - clip), high: Math.min(max, centre + clip) };
  },
};

/** Moments about the mean; about zero over the values above it where no value is below. */
function momentsOf(histogram: FloatHistogram): { mean: number; meanDeviation: number; deviation: number } {
  const isOneSided = histogram.min >= 0;
  let count = 0;
  let sum = 0;
  histogram.forEachBin((low, high, times) => {
    if (isOneSided && low === 0) return;
    count += times;
    sum += ((low + high) / 2) * times;
  });
  const mean = isOneSided || count === 0 ? 0 : sum / count;
  let absolute = 0;
  let square = 0;
  histogram.forEachBin((low, high, times) => {
    if (isOneSided && low === 0) return;
    const distance = (low + high) / 2 - mean;
    absolute += Math.abs(distance) * times;
    square += distance ** 2 * times;
  });
  return {
    mean,
    meanDeviation: absolute / Math.max(1, count),
    deviation: Math.sqrt(square / Math.max(1, count)),
  };
}
