const BINS = 2048;
const UPSAMPLING = 16;

/**
 * The running histogram of PyTorch's `HistogramObserver` (torch 2.13, torch/ao/quantization/observer.py), float32 arithmetic
 * included: 2048 even bins over the range seen so far; when a step widens the range, every old bin is cut into 16 parts that
 * are dropped into the new bins by their middles.
 *
 * Unlike the float-bits histogram it depends on the order of the data and on what counts as one step.
 */
export class TorchHistogram {
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;
  /** Of length 2048; fractions come from cutting. */
  counts: Float32Array = new Float32Array(BINS);

  /** One step: the values of a forward pass. Values that are not finite are left out. */
  add(values: Float32Array): void {
    let min = this.min;
    let max = this.max;
    let seen = false;
    for (const value of values) {
      if (!Number.isFinite(value)) continue;
      seen = true;
      if (value < min) min = value;
      if (value > max) max = value;
    }
    if (seen) this.#take(histogramOf(values, min, max), min, max);
  }

  /** Takes in what another tensor held, so that one grid can be chosen for both; PyTorch has no such thing. */
  merge(other: TorchHistogram): void {
    if (other.min > other.max) return;
    const min = Math.min(this.min, other.min);
    const max = Math.max(this.max, other.max);
    this.#take(other.#countsOn(min, max).slice(), min, max);
  }

  /** @param update counts on the bins of the widened range; kept. */
  #take(update: Float32Array, min: number, max: number): void {
    if (this.min <= this.max) addTo(update, this.#countsOn(min, max));
    this.counts = update;
    this.min = min;
    this.max = max;
  }

  /** What was counted so far, on the bins of a range that is at least as wide. */
  #countsOn(min: number, max: number): Float32Array {
    if (min === this.min && max === this.max) return this.counts;
    if (this.min === this.max) {
      const total = this.counts.reduce((sum, count) => sum + count, 0);
      return histogramOf(Float32Array.of(this.min), min, max).map((count) => count * total);
    }
    const parts = BINS * UPSAMPLING;
    const half = Math.fround(0.5 * Math.fround(Math.fround(this.max - this.min) / parts));
    const edges = evenlySpaced(min, max, BINS + 1);
    const starts = evenlySpaced(this.min, this.max, parts + 1);
    const moved = new Float32Array(BINS);
    let bin = 0;
    for (let part = 0; part < parts; part++) {
      const middle = Math.fround(starts[part]! + half);
      while (bin < BINS - 1 && edges[bin + 1]! <= middle) bin++;
      moved[bin] = moved[bin]! + this.counts[Math.floor(part / UPSAMPLING)]! / UPSAMPLING;
    }
    return moved;
  }
}

/** Counts in even bins as torch.histc; a range of no width is taken one to either side. */
function histogramOf(values: Float32Array, min: number, max: number): Float32Array {
  const counts = new Float32Array(BINS);
  const low = min === max ? min - 1 : min;
  const width = Math.fround((min === max ? max + 1 : max) - low);
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    const at = Math.trunc(Math.fround((Math.fround(value - low) * BINS) / width));
    counts[at === BINS ? BINS - 1 : at]!++;
  }
  return counts;
}

/** torch.linspace in float32: from both ends towards the middle. */
function evenlySpaced(start: number, end: number, count: number): Float32Array {
  const step = Math.fround(Math.fround(end - start) / (count - 1));
  const half = Math.floor(count / 2);
  return Float32Array.from({ length: count }, (_, i) =>
    i < half ? start + Math.fround(step * i) : end - Math.fround(step * (count - i - 1)),
  );
}

function addTo(counts: Float32Array, others: Float32Array): void {
  for (let i = 0; i < counts.length; i++) counts[i] = counts[i]! + others[i]!;
}
