export { DIFFERENTIABLE, type DifferentiableOp, isDifferentiable } from './differentiable.js';
export { addGradients } from './gradients.js';
