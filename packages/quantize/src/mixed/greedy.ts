/** One width that a layer may have: what it costs, and the loss that it causes. */
export interface WidthOption {
  readonly bits: number;
  readonly cost: number;
  readonly loss: number;
}

/** A width for each layer, in the layers' order, with the sums of cost and loss. */
export interface Assignment {
  readonly choice: readonly WidthOption[];
  readonly cost: number;
  readonly loss: number;
}

/** One layer made wider. */
interface Step {
  readonly layer: number;
  readonly from: WidthOption;
  readonly to: WidthOption;
}

/**
 * Greedy allocation by loss per cost. Each layer's widths are reduced to the lower convex hull of its (cost, loss) points;
 * all steps on these hulls are taken in the order of what they gain for what they cost. A prefix of this order is optimal
 * for its own cost as long as losses add up, and a larger limit never gives a larger loss.
 */
export class GreedyPath {
  readonly #start: readonly WidthOption[];
  readonly #steps: readonly Step[];

  /** @param layers the options of each layer, at least one each. */
  constructor(layers: readonly (readonly WidthOption[])[]) {
    this.#start = layers.map(cheapest);
    this.#steps = layers.flatMap(stepsOf).toSorted((a, b) => gain(b) - gain(a));
  }

  /** What every layer at its cheapest width costs: no limit below can be kept. */
  get smallest(): Assignment {
    return assignment(this.#start);
  }

  /** Takes every step that still fits; a layer whose step does not fit stays there. Undefined below the smallest cost. */
  within(limit: number): Assignment | undefined {
    const choice = [...this.#start];
    let cost = this.smallest.cost;
    if (cost > limit) return undefined;
    const stopped = new Set<number>();
    for (const { layer, from, to } of this.#steps) {
      if (stopped.has(layer)) continue;
      if (cost + to.cost - from.cost > limit) {
        stopped.add(layer);
        continue;
      }
      cost += to.cost - from.cost;
      choice[layer] = to;
    }
    return assignment(choice);
  }

  /** At most `count` assignments from the smallest to the widest: more cost, less loss. */
  front(count: number): Assignment[] {
    const all = [this.smallest];
    const choice = [...this.#start];
    for (const { layer, to } of this.#steps) {
      choice[layer] = to;
      all.push(assignment([...choice]));
    }
    if (all.length <= count) return all;
    return Array.from({ length: count }, (_, i) => all[Math.round((i * (all.length - 1)) / (count - 1))]!);
  }
}

function assignment(choice: readonly WidthOption[]): Assignment {
  return {
    choice,
    cost: choice.reduce((sum, { cost }) => sum + cost, 0),
    loss: choice.reduce((sum, { loss }) => sum + loss, 0),
  };
}

/** Of widths that cost the same, as on a device that has not all of them, the one that loses least. */
function cheapest(options: readonly WidthOption[]): WidthOption {
  return options.reduce((best, option) =>
    option.cost < best.cost || (option.cost === best.cost && option.loss < best.loss) ? option : best,
  );
}

function stepsOf(options: readonly WidthOption[], layer: number): Step[] {
  const steps: Step[] = [];
  let from = cheapest(options);
  for (;;) {
    const better = options
      .filter(({ cost, loss }) => cost > from.cost && loss < from.loss)
      .map((to) => ({ layer, from, to }));
    if (better.length === 0) return steps;
    const best = better.reduce((first, step) => (gain(step) > gain(first) ? step : first));
    steps.push(best);
    from = best.to;
  }
}

/** Loss that a step takes away for each unit of cost. */
function gain({ from, to }: Step): number {
  return (from.loss - to.loss) / (to.cost - from.cost);
}
