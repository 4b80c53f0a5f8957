import { BitwrightError } from '@bitwright/core';

/** The error of a converter whose range is to be found on data when there is none. */
export function missingCalibration(hardware: string): BitwrightError {
  return new BitwrightError({
    code: 'SIMULATE_CALIBRATION',
    message: `The hardware '${hardware}' has converters whose ranges are calibrated, and no calibration samples were given.`,
    hint: 'Give a data card with --data (not the samples that are evaluated), or write a fixed or worst-case range.',
    at: { option: '--data' },
    kind: 'usage',
  });
}
