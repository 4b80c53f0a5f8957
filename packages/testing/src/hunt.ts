import type { Value } from '@bitwright/graph';
import { type GraphModule, lint, printModule } from '@bitwright/graph';
import { applyRules, childrenOf, foldConstants, type PatternData, type Rule } from '@bitwright/rewrite';
import fc from 'fast-check';
import { compareModels } from './compare-models.js';
import { type ModelBuilder, modelBuilder } from './model-builder.js';
import { TestFailure } from './test-failure.js';
import type { Tolerance } from './tolerance.js';

/** How graphs are hunted. */
export interface HuntOptions {
  /** How many graphs; 100 by default. */
  readonly runs?: number;
  readonly seed?: number;
  /** The most operators of a graph; 8 by default. */
  readonly size?: number;
  readonly tolerance?: Tolerance;
}

/** One operator to be made: its kind, which values it reads, whether its result is an output of the graph. */
interface Step {
  readonly opType: string;
  readonly first: number;
  readonly second: number;
  readonly constant: boolean;
  readonly returned: boolean;
  readonly seed: number;
}

const DIMS = [2, 3, 4, 4];

type Maker = (m: ModelBuilder, x: Value, y: Value, step: Step) => Value;

const unary = (opType: string): [string, Maker] => [opType, (m, x) => m.op(opType, [x])];
const binary = (opType: string): [string, Maker] => [opType, (m, x, y) => m.op(opType, [x, y])];

/** How each operator is made so that it keeps the shape of what it reads. */
const MAKERS: ReadonlyMap<string, Maker> = new Map<string, Maker>([
  ...['Relu', 'Neg', 'Abs', 'Sigmoid', 'Tanh', 'Identity', 'Dropout', 'HardSigmoid', 'HardSwish'].map(unary),
  ...['LeakyRelu', 'Elu', 'Softplus', 'Softsign', 'Floor', 'Sign', 'Erf'].map(unary),
  ...['Add', 'Sub', 'Mul', 'Max', 'Min'].map(binary),
  ['Div', (m, x, _y, { seed }) => m.op('Div', [x, m.random(`d${seed}`, [3, 1, 1], 0.5, 2)])],
  [
    'Clip',
    (m, x, _y, { seed }) => m.op('Clip', [x, m.floats('low', seed % 2 === 0 ? 0 : -1), m.floats('high', 6)]),
  ],
  [
    'Conv',
    (m, x, _y, { seed }) => {
      const k = seed % 2 === 0 ? 1 : 3;
      const inputs = [x, m.random('w', [3, 3, k, k]), ...(seed % 3 === 0 ? [] : [m.random('b', [3])])];
      return m.op('Conv', inputs, { kernel_shape: [k, k], pads: new Array<number>(4).fill((k - 1) / 2) });
    },
  ],
  [
    'BatchNormalization',
    (m, x) => {
      const parts = [m.random('gamma', [3], 0.5, 2), m.random('beta', [3]), m.random('mean', [3])];
      return m.op('BatchNormalization', [x, ...parts, m.random('variance', [3], 0.5, 2)]);
    },
  ],
  [
    'Reshape',
    (m, x, _y, { seed }) => m.op('Reshape', [x, m.ints('shape', seed % 2 === 0 ? DIMS : [2, -1, 4, 4])]),
  ],
  [
    'Transpose',
    (m, x, _y, { seed }) => m.op('Transpose', [x], { perm: seed % 2 === 0 ? [0, 1, 3, 2] : [0, 1, 2, 3] }),
  ],
  ['Pad', (m, x) => m.op('Pad', [x, m.ints('none', new Array<number>(8).fill(0))])],
  [
    'AveragePool',
    (m, x) => m.op('AveragePool', [x], { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: 1 }),
  ],
  ['MaxPool', (m, x) => m.op('MaxPool', [x], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] })],
]);

/**
 * Makes random graphs, half of their operators of the kinds that the rule's pattern has, and looks for one that the rule
 * changes the result of; what is found is shrunk to the smallest graph.
 *
 * @returns in how many graphs the rule applied: none means that the generator does not know what it needs.
 * @throws TestFailure with the graph before and after, and the difference.
 */
export async function huntForDifference(rule: Rule, options: HuntOptions = {}): Promise<number> {
  const { runs = 100, seed = 1, size = 8, tolerance } = options;
  const wanted = [...operatorsOf(rule.pattern)].filter((opType) => MAKERS.has(opType));
  const all = fc.constantFrom(...MAKERS.keys());
  const opType = wanted.length === 0 ? all : fc.oneof(all, fc.constantFrom(...wanted));
  const step = fc.record({
    opType,
    first: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat({ max: size })),
    second: fc.nat({ max: size }),
    constant: fc.boolean(),
    returned: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.boolean()),
    seed: fc.nat({ max: 99 }),
  });
  let applied = 0;
  const property = fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: size }), async (steps) => {
    const before = graphOf(steps);
    const after = before.clone();
    foldConstants(after);
    if (applyRules(after, [rule]).applied.length === 0) return;
    applied++;
    lint(after);
    try {
      await compareModels(before, after, { ...(tolerance && { tolerance }) });
    } catch (thrown) {
      const why = thrown instanceof Error ? thrown.message : String(thrown);
      throw new TestFailure(`${why}\nbefore:\n${show(before)}\nafter:\n${show(after)}`);
    }
  });
  const { failed, error, counterexample, numShrinks } = await tried(property, { numRuns: runs, seed });
  if (!failed) return applied;
  throw new TestFailure(
    `The rule '${rule.name}' changes the result of a graph of ${counterexample} operators (shrunk ${numShrinks} times): ${error}`,
  );
}

async function tried(property: fc.IAsyncProperty<[Step[]]>, parameters: fc.Parameters<[Step[]]>) {
  const outcome = await fc.check(property, parameters);
  const error =
    outcome.errorInstance instanceof Error ? outcome.errorInstance.message : String(outcome.errorInstance);
  const counterexample = outcome.counterexample?.[0].length ?? 0;
  return { failed: outcome.failed, error, counterexample, numShrinks: outcome.numShrinks };
}

/** A graph in which each operator reads values before it, counted backwards from the newest. */
function graphOf(steps: readonly Step[]): GraphModule {
  return modelBuilder(
    (m) => {
      const values = [m.input('x', DIMS)];
      const outputs: Value[] = [];
      for (const step of steps) {
        const at = (back: number) => values[values.length - 1 - (back % values.length)]!;
        const other = step.constant ? m.random('c', [3, 1, 1], 0.5, 2) : at(step.second);
        const made = MAKERS.get(step.opType)!(m, at(step.first), other, step);
        values.push(made);
        if (step.returned) outputs.push(made);
      }
      return [...new Set([...outputs, values.at(-1)!])];
    },
    { seed: steps.reduce((sum, { seed }) => sum + seed, 1) },
  );
}

function operatorsOf(data: PatternData, into: Set<string> = new Set()): Set<string> {
  if (data.kind === 'op') into.add(data.opName);
  for (const child of childrenOf(data)) operatorsOf(child, into);
  return into;
}

function show(module: GraphModule): string {
  return printModule(module, { maxElements: 4 });
}
