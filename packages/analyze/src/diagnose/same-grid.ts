import { hasQParams, type OpNode, qparamsOf, quantSpecOf } from '@bitwright/graph';

/** True where two quantizers have the same codes, scale and zero point. Before calibration only the codes are compared. */
export function sameGrid(a: OpNode, b: OpNode): boolean {
  const [left, right] = [quantSpecOf(a), quantSpecOf(b)];
  if (left.quantMin !== right.quantMin || left.quantMax !== right.quantMax) return false;
  if (!hasQParams(a) || !hasQParams(b)) return true;
  const [of, other] = [qparamsOf(a), qparamsOf(b)];
  return sameNumbers(of.scale, other.scale) && sameNumbers(of.zeroPoint, other.zeroPoint);
}

function sameNumbers(a: Float32Array | Int32Array, b: Float32Array | Int32Array): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}
