import { equalize } from '../equalize/equalize.js';
import type { NetworkCorrection } from './correction.js';

/** Cross-layer equalization through ReLU6 and other Clips too: channels that do not reach a bound on the calibration data, as far as it lets them. */
export const equalizeClip: NetworkCorrection = {
  name: 'equalize-clip',
  description: 'equalize, and through a Clip each channel that no calibration sample brings to its bounds',
  stage: 'network',
  needs: 'data',
  async correct(module, { moments, extremes }) {
    const inputs = [...module.graph.ops()].filter((node) => node.is('Clip')).map((node) => node.inputs[0]!);
    const { outcomes } = equalize(module, { moments, extremes: await extremes!(inputs) });
    return outcomes.map((outcome) => ({ correction: equalizeClip.name, ...outcome }));
  },
};
