import fc from 'fast-check';
import { expect, it } from 'vitest';
import { GreedyPath, type WidthOption } from './greedy.js';

const layer = fc
  .tuple(
    fc.integer({ min: 1, max: 50 }),
    fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 7 }),
  )
  .map(([size, losses]): WidthOption[] =>
    losses.map((loss, i) => ({ bits: i + 2, cost: size * (i + 2), loss })),
  );
const layers = fc.array(layer, { minLength: 1, maxLength: 8 });

const sum = (choice: readonly WidthOption[], key: 'cost' | 'loss'): number =>
  choice.reduce((total, option) => total + option[key], 0);

it('keeps the limit, and says its sums', () => {
  fc.assert(
    fc.property(layers, fc.integer({ min: 0, max: 4000 }), (options, limit) => {
      const path = new GreedyPath(options);
      const found = path.within(limit);
      expect(found === undefined).toBe(limit < path.smallest.cost);
      if (found === undefined) return;
      expect(found.cost).toBeLessThanOrEqual(limit);
      expect(found.cost).toBe(sum(found.choice, 'cost'));
      expect(found.loss).toBe(sum(found.choice, 'loss'));
      for (const [i, option] of found.choice.entries()) expect(options[i]).toContain(option);
    }),
  );
});

it('never loses by a larger limit', () => {
  fc.assert(
    fc.property(
      layers,
      fc.integer({ min: 0, max: 400 }),
      fc.integer({ min: 0, max: 400 }),
      (options, room, more) => {
        const path = new GreedyPath(options);
        const limit = path.smallest.cost + room;
        expect(path.within(limit + more)!.loss).toBeLessThanOrEqual(path.within(limit)!.loss);
      },
    ),
  );
});

it('has a front of which no point is better than another in both', () => {
  fc.assert(
    fc.property(layers, fc.integer({ min: 2, max: 12 }), (options, count) => {
      const front = new GreedyPath(options).front(count);
      expect(front.length).toBeLessThanOrEqual(count);
      for (const [i, point] of front.slice(1).entries()) {
        expect(point.cost).toBeGreaterThan(front[i]!.cost);
        expect(point.loss).toBeLessThan(front[i]!.loss);
      }
    }),
  );
});

it('is as good as trying everything at the cost of each point of its front', () => {
  const every = (options: readonly WidthOption[][], limit: number): number => {
    const [first, ...rest] = options;
    if (first === undefined) return 0;
    return Math.min(
      ...first.filter(({ cost }) => cost <= limit).map(({ cost, loss }) => loss + every(rest, limit - cost)),
    );
  };
  fc.assert(
    fc.property(fc.array(layer, { minLength: 1, maxLength: 3 }), (options) => {
      for (const point of new GreedyPath(options).front(100))
        expect(point.loss).toBe(every(options, point.cost));
    }),
  );
});
