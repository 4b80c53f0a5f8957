import { mseObserver } from './mse.js';
import type { Observer } from './observer.js';

/**
 * Begins with the range of the smallest error of the tensor, which the layer-by-layer pass then moves to where the layers that
 * read the tensor have the smallest error of their outputs.
 */
export const outputAwareObserver: Observer = {
  name: 'output-aware',
  description: 'smallest error at the outputs of the layers that read the tensor (methods balanced and best)',
  refines: 'layer-outputs',
  range: (statistics, choice) => mseObserver.range(statistics, choice),
};
