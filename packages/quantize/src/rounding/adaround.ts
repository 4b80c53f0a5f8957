import { clamp } from '@bitwright/core';
import { roundByGroup } from './by-group.js';
import { type FloatSolution, type GroupProblem, stepsOf } from './group-problem.js';
import type { MatrixProduct } from './matrix-product.js';
import type { RoundingSpec, SecondOrderRounding } from './rounding-algorithm.js';
import type { ScaleLayout } from './scale-layout.js';

const ITERATIONS = 1000;
const WARM_UP = 0.2;
const LEARNING_RATE = 0.02;
const REGULARIZER = 0.5;
const FIRST_SHARPNESS = 20;
const LAST_SHARPNESS = 2;

/**
 * AdaRound (M. Nagel et al., "Up or Down?", 2020) without data in its loop: whether each weight goes up or down is learned
 * by gradient on the quadratic form of the Gram matrix, with a regularizer that ends in whole decisions.
 */
export const adaRounding: SecondOrderRounding = {
  name: 'adaround',
  description: 'up or down learned by gradient on the Gram matrix',
  needsStatistics: true,
  round(layer, statistics, spec, { product }) {
    return roundByGroup(layer, statistics, spec, { product }, (problem, solution, groupSpec, layout) =>
      learn(problem, solution, groupSpec, layout, product),
    );
  },
};

async function learn(
  problem: GroupProblem,
  solution: FloatSolution,
  spec: RoundingSpec,
  layout: ScaleLayout,
  product: MatrixProduct,
): Promise<Int32Array> {
  const { rows, columns } = problem;
  const steps = stepMatrix(problem, layout, spec);
  const floor = Float64Array.from(steps, (step, i) => Math.floor(solution.weights[i]! / step));
  // h(v) = clip(1.2 sigmoid(v) - 0.1, 0, 1) starts at the fraction that was cut off
  const v = Float64Array.from(steps, (step, i) => {
    const fraction = (solution.weights[i]! / step - floor[i]! + 0.1) / 1.2;
    return Math.log(fraction / (1 - fraction));
  });
  const adam = new Adam(v.length, LEARNING_RATE);
  const weights = new Float64Array(v.length);
  const slope = new Float64Array(v.length);
  const unit = solution.damping * 100;
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    const progress = (iteration / ITERATIONS - WARM_UP) / (1 - WARM_UP);
    const sharpness = FIRST_SHARPNESS + (LAST_SHARPNESS - FIRST_SHARPNESS) * progress;
    for (let i = 0; i < v.length; i++)
      weights[i] = codeAt(problem, spec, floor, i, softStep(v[i]!)) * steps[i]!;
    const fitted = await product.times(weights, problem.gram, rows, columns, columns);
    for (let i = 0; i < v.length; i++) {
      const h = softStep(v[i]!);
      const code = floor[i]! + h;
      const row = problem.firstRow + Math.floor(i / columns);
      const inside = code >= spec.low[row]! && code <= spec.high[row]!;
      const pull = solution.damping * (weights[i]! - solution.weights[i]!);
      const fit = inside ? (2 * (fitted[i]! - problem.target[i]! + pull)) / (steps[i]! * unit) : 0;
      slope[i] = (fit + (progress > 0 ? regularizerSlope(h, sharpness) : 0)) * softSlope(v[i]!);
    }
    adam.step(v, slope);
  }
  return Int32Array.from(v, (value, i) => codeAt(problem, spec, floor, i, softStep(value) >= 0.5 ? 1 : 0));
}

function stepMatrix(problem: GroupProblem, layout: ScaleLayout, spec: RoundingSpec): Float64Array {
  const { rows, columns } = problem;
  const steps = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++)
    stepsOf(problem, row, layout, spec.scale, steps.subarray(row * columns, (row + 1) * columns));
  return steps;
}

function codeAt(
  problem: GroupProblem,
  spec: RoundingSpec,
  floor: Float64Array,
  i: number,
  up: number,
): number {
  const row = problem.firstRow + Math.floor(i / problem.columns);
  return clamp(floor[i]! + up, spec.low[row]!, spec.high[row]!);
}

function softStep(v: number): number {
  return clamp(1.2 / (1 + Math.exp(-v)) - 0.1, 0, 1);
}

function softSlope(v: number): number {
  const sigmoid = 1 / (1 + Math.exp(-v));
  const soft = 1.2 * sigmoid - 0.1;
  return soft > 0 && soft < 1 ? 1.2 * sigmoid * (1 - sigmoid) : 0;
}

/** Of 1 - |2h - 1|^b. */
function regularizerSlope(h: number, sharpness: number): number {
  const x = 2 * h - 1;
  return -REGULARIZER * 2 * sharpness * Math.abs(x) ** (sharpness - 1) * Math.sign(x);
}

/** Adam (D. Kingma and J. Ba, 2015) with its usual constants. */
class Adam {
  readonly #first: Float64Array;
  readonly #second: Float64Array;
  #steps = 0;

  constructor(
    size: number,
    private readonly rate: number,
  ) {
    this.#first = new Float64Array(size);
    this.#second = new Float64Array(size);
  }

  step(values: Float64Array, slope: Float64Array): void {
    this.#steps++;
    const scale = (this.rate * Math.sqrt(1 - 0.999 ** this.#steps)) / (1 - 0.9 ** this.#steps);
    for (let i = 0; i < values.length; i++) {
      this.#first[i]! += 0.1 * (slope[i]! - this.#first[i]!);
      this.#second[i]! += 0.001 * (slope[i]! ** 2 - this.#second[i]!);
      values[i]! -= (scale * this.#first[i]!) / (Math.sqrt(this.#second[i]!) + 1e-8);
    }
  }
}
