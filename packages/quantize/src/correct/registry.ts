import { BitwrightError, findNamed } from '@bitwright/core';
import { absorbBias } from './absorb-bias.js';
import { biasAnalytic } from './bias-analytic.js';
import { biasEmpirical } from './bias-empirical.js';
import { clipToRelu } from './clip-to-relu.js';
import type { Correction, LayerCorrection, NetworkCorrection } from './correction.js';
import { equalizeChannels } from './equalize-channels.js';
import { equalizeClip } from './equalize-clip.js';
import { statisticsCorrection } from './statistics.js';

/** Every correction that ships, in the order in which they are made. */
export const CORRECTIONS: readonly Correction[] = [
  clipToRelu,
  equalizeChannels,
  equalizeClip,
  absorbBias,
  statisticsCorrection,
  biasAnalytic,
  biasEmpirical,
];

/** The corrections of a quantization, in the order in which they are made. */
export interface CorrectionPlan {
  /** Those that were asked for by name, and what goes with them. */
  readonly named: ReadonlySet<string>;
  readonly network: readonly NetworkCorrection[];
  readonly layers: readonly LayerCorrection[];
}

/**
 * The corrections of a list of names beside those that a method makes by itself. A correction of biases that is named takes the place
 * of the method's; where weight scales are corrected, biases are too.
 *
 * @param more those of plugins. @throws CORRECTION_UNKNOWN (wrong usage) with the nearest name, CORRECTION_CONFLICT for two of biases.
 */
export function planCorrections(
  names: readonly string[],
  own: readonly LayerCorrection[] = [],
  more: readonly Correction[] = [],
): CorrectionPlan {
  const known = [...CORRECTIONS, ...more];
  for (const name of names)
    findNamed(name, known, {
      code: 'CORRECTION_UNKNOWN',
      message: `There is no correction '${name}'.`,
      option: '--correct',
    });
  const named = known.filter(({ name }) => names.includes(name));
  const layers = named.filter((it) => it.stage === 'layer');
  const ofBiases = layers.filter(({ changes }) => changes === 'bias');
  if (ofBiases.length > 1) throw conflict(ofBiases);
  // a layer whose weight scales are corrected gets its means from its bias
  const impliesBias = layers.length > 0 && ofBiases.length === 0;
  const asked = impliesBias ? [...layers, biasEmpirical] : layers;
  return {
    named: new Set([...names, ...asked.map(({ name }) => name)]),
    network: named.filter((it) => it.stage === 'network'),
    layers: asked.length > 0 ? asked : own,
  };
}

function conflict(corrections: readonly LayerCorrection[]): BitwrightError {
  return new BitwrightError({
    code: 'CORRECTION_CONFLICT',
    message: `${corrections.map(({ name }) => `'${name}'`).join(' and ')} correct the same biases.`,
    hint: 'Name one of them.',
    at: { option: '--correct' },
    kind: 'usage',
  });
}
