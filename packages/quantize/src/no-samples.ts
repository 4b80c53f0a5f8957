import { BitwrightError } from '@bitwright/core';

/** The error of calibration data without samples. @param name what the data is called. */
export function noSamples(name: string): BitwrightError {
  return new BitwrightError({
    code: 'CALIBRATION_NO_SAMPLES',
    message: `The calibration data '${name}' holds no samples.`,
    hint: 'Check its file list, "skip" and "take".',
    at: { file: name },
  });
}
