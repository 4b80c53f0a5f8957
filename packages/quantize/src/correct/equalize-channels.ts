import { equalize } from '../equalize/equalize.js';
import type { NetworkCorrection } from './correction.js';

/** Cross-layer equalization, exact in float. */
export const equalizeChannels: NetworkCorrection = {
  name: 'equalize',
  description: 'channels of neighbouring layers are brought to like sizes; as --equalize',
  stage: 'network',
  needs: 'nothing',
  correct(module, { moments }) {
    const { outcomes } = equalize(module, { moments });
    return Promise.resolve(outcomes.map((outcome) => ({ correction: equalizeChannels.name, ...outcome })));
  },
};
