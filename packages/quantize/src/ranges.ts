import { BitwrightError, type QuantGrid } from '@bitwright/core';

/** The calibrated range of one tensor with the parameters that it led to. */
export interface CalibratedRange extends QuantGrid {
  /** Smallest and largest value seen. */
  readonly min: number;
  readonly max: number;
  /** What the observer clips to. */
  readonly low: number;
  readonly high: number;
  readonly scale: number;
  readonly zeroPoint: number;
}

/** What `--save-ranges` writes and `--ranges` reads. */
export interface CalibratedRanges {
  readonly observer: string;
  readonly samples: number;
  readonly tensors: Readonly<Record<string, CalibratedRange>>;
}

const FORMAT = 'bitwright-ranges-1';

/** The ranges as JSON text. */
export function formatRanges(ranges: CalibratedRanges): string {
  return `${JSON.stringify({ format: FORMAT, ...ranges }, undefined, 2)}\n`;
}

/** Reads saved ranges. @throws RANGES_INVALID naming the file and what is wrong. */
export function parseRanges(text: string, file: string): CalibratedRanges {
  const invalid = (why: string): BitwrightError =>
    new BitwrightError({
      code: 'RANGES_INVALID',
      message: `'${file}' does not hold saved ranges: ${why}.`,
      hint: 'Give a file that --save-ranges wrote.',
      at: { file, option: '--ranges' },
    });
  let parsed: Partial<CalibratedRanges> & { format?: string };
  try {
    parsed = JSON.parse(text);
  } catch {
    throw invalid('it is not JSON');
  }
  if (parsed?.format !== FORMAT) throw invalid(`its "format" is not "${FORMAT}"`);
  for (const [tensor, range] of Object.entries(parsed.tensors ?? {})) {
    if (!isComplete(range)) throw invalid(`the range of '${tensor}' is not complete`);
  }
  return { observer: parsed.observer ?? '', samples: parsed.samples ?? 0, tensors: parsed.tensors ?? {} };
}

function isComplete(range: Partial<CalibratedRange> | null): boolean {
  const {
    min,
    max,
    low,
    high,
    scale = 0,
    bits,
    signed,
    quantMin = 0,
    quantMax = -1,
    zeroPoint = Number.NaN,
  } = range ?? {};
  const areNumbers = [min, max, low, high, scale, bits, quantMin, quantMax].every(Number.isFinite);
  return (
    areNumbers &&
    typeof range?.signed === 'boolean' &&
    typeof signed === 'boolean' &&
    scale > 0 &&
    Number.isInteger(zeroPoint) &&
    zeroPoint >= quantMin &&
    zeroPoint <= quantMax
  );
}
