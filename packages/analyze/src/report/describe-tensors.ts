import { type QuantGrid, quantizeValue } from '@bitwright/core';
import { type Graph, hasQParams, isQuantizer, qparamsOf } from '@bitwright/graph';
import type { FloatHistogram } from '@bitwright/quantize';
import type { ReportTensor } from './report-document.js';

const BINS = 64;
const MOST_CODES = 256;

/** The activation tensors of a quantized graph: grids with clip lines, and where they were observed the distribution and the codes that it uses. */
export function describeTensors(
  graph: Graph,
  observed: (tensor: string) => FloatHistogram | undefined,
): ReportTensor[] {
  const tensors = new Map<string, ReportTensor>();
  for (const node of graph.ops()) {
    if (!isQuantizer(node) || !hasQParams(node)) continue;
    const grid = qparamsOf(node);
    const { name } = node.inputs[0]!;
    if (grid.role !== 'activation' || tensors.has(name)) continue;
    const [scale, zeroPoint] = [grid.scale[0]!, grid.zeroPoint[0]!];
    const { bits, signed, quantMin, quantMax } = grid;
    const [low, high] = [(quantMin - zeroPoint) * scale, (quantMax - zeroPoint) * scale];
    const histogram = observed(name);
    tensors.set(name, {
      name,
      ...{ bits, signed, quantMin, quantMax, scale, zeroPoint },
      min: histogram?.min ?? low,
      max: histogram?.max ?? high,
      ...{ low, high },
      ...distribution(histogram, grid, { scale, zeroPoint }, [low - scale / 2, high + scale / 2]),
    });
  }
  return [...tensors.values()];
}

/** @param inside what rounds to the first code and what to the last: beyond both lies what is clipped. */
function distribution(
  histogram: FloatHistogram | undefined,
  grid: QuantGrid,
  { scale, zeroPoint }: { readonly scale: number; readonly zeroPoint: number },
  inside: readonly [number, number],
): Pick<ReportTensor, 'edges' | 'counts' | 'codes' | 'unusedCodes' | 'saturated'> {
  if (histogram === undefined || !(histogram.max > histogram.min))
    return { edges: [], counts: [], codes: [] };
  const { min, max } = histogram;
  const { quantMin, quantMax } = grid;
  const [first, last] = inside;
  const counts = new Array<number>(BINS).fill(0);
  const levels = quantMax - quantMin + 1;
  const codes = new Array<number>(levels <= MOST_CODES ? levels : 0).fill(0);
  let [all, clipped] = [0, 0];
  histogram.forEachBin((low, high, count) => {
    const center = (low + high) / 2;
    all += count;
    if (center < first || center > last) clipped += count;
    // the middle of a bin stands for its values: it is narrower than a step of any grid of 8 bits or fewer
    const middle = Math.min(max, Math.max(min, center));
    const bin = Math.min(BINS - 1, Math.floor(((middle - min) / (max - min)) * BINS));
    counts[bin] = counts[bin]! + count;
    const code = quantizeValue(middle, scale, zeroPoint, grid) - quantMin;
    if (code < codes.length) codes[code] = codes[code]! + count;
  });
  const edges = Array.from({ length: BINS + 1 }, (_, i) => min + ((max - min) * i) / BINS);
  const unusedCodes = codes.filter((count) => count === 0).length;
  return { edges, counts, codes, saturated: clipped / all, ...(codes.length > 0 && { unusedCodes }) };
}
