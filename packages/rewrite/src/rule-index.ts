import type { OpNode, Value } from '@bitwright/graph';
import { compilePattern, type Program } from './compile-pattern.js';
import { isCommutative, splitOpName } from './op-schemas.js';
import { type OpData, type PatternData, patternDepth } from './pattern-data.js';
import type { Rule } from './rule.js';

/** A rule and the steps of its pattern. */
export interface IndexedRule {
  readonly rule: Rule;
  readonly program: Program;
}

type RootedRule = IndexedRule & { readonly roots: readonly OpData[] };

/** The rules of one operator type, and those of them that can fit what makes the first two inputs. */
interface Root {
  readonly rules: readonly RootedRule[];
  readonly byFirst: Map<string, Map<string, Selection>>;
}

/** The rules that can fit some inputs; where they are many, those of them that can fit what lies before the first one too. */
interface Selection {
  readonly rules: readonly RootedRule[];
  readonly byBefore: Map<string, readonly IndexedRule[]> | undefined;
}

/** From so many rules on it pays to look one operator further. */
const MANY = 4;

/**
 * Finds the rules worth trying at an operator: by its type and by what makes its first two inputs. A list is made for each
 * combination that a graph has, on its first sight; after that a look costs two lookups, however many rules there are.
 */
export class RuleIndex {
  readonly #roots = new Map<string, Root>();
  /** How many steps behind a change a pattern can see it. */
  readonly reach: number;

  constructor(rules: readonly Rule[]) {
    for (const rule of rules) {
      const program = compilePattern(rule.pattern);
      for (const [opType, roots] of byOpType(rootsOf(rule.pattern))) {
        const root = this.#roots.get(opType) ?? { rules: [], byFirst: new Map() };
        this.#roots.set(opType, { ...root, rules: [...root.rules, { rule, program, roots }] });
      }
    }
    this.reach = Math.max(1, ...rules.map(({ pattern }) => patternDepth(pattern) - 1));
  }

  /** The rules that may fit, in the order in which they were given; undefined or none where no rule can. */
  candidates(node: OpNode): readonly IndexedRule[] | undefined {
    const root = this.#roots.get(node.opType);
    if (root === undefined) return undefined;
    const { inputs } = node;
    const first = makerOf(inputs[0]);
    const second = makerOf(inputs[1]);
    let bySecond = root.byFirst.get(first);
    if (bySecond === undefined) {
      bySecond = new Map();
      root.byFirst.set(first, bySecond);
    }
    let found = bySecond.get(second);
    if (found === undefined) {
      found = select(root.rules, first, second);
      bySecond.set(second, found);
    }
    return found.byBefore === undefined ? found.rules : this.#nearer(node, found.rules, found.byBefore);
  }

  #nearer(
    { inputs }: OpNode,
    rules: readonly RootedRule[],
    byBefore: NonNullable<Selection['byBefore']>,
  ): readonly IndexedRule[] {
    const producer = inputs[0]?.producer;
    const before = producer?.kind === 'op' ? makerOf(producer.inputs[0]) : ABSENT;
    const maker = makerOf(inputs[0]);
    let found = byBefore.get(before);
    if (found === undefined) {
      found = selectNearer(rules, maker, before);
      byBefore.set(before, found);
    }
    return found;
  }
}

// Apart from the look-ups, which are made at every operator: a function that holds a closure costs memory at every call.
function select(all: readonly RootedRule[], first: string, second: string): Selection {
  const rules = all.filter(({ roots }) => roots.some((data) => mayFit(data, first, second)));
  return { rules, byBefore: rules.length > MANY ? new Map() : undefined };
}

/** Where operands commute, the first input of the pattern may be the second one here, of which nothing is known. */
function selectNearer(rules: readonly RootedRule[], maker: string, before: string): readonly IndexedRule[] {
  return rules.filter(({ roots }) =>
    roots.some(({ opName, inputs: [data] }) => isCommutative(opName) || mayLieBehind(data, maker, before)),
  );
}

/** The operators at which a pattern can be rooted, as patterns. */
function rootsOf(data: PatternData): OpData[] {
  if (data.kind === 'op') return [data];
  return data.kind === 'anyOf' ? data.options.flatMap(rootsOf) : [];
}

function byOpType(roots: readonly OpData[]): Map<string, OpData[]> {
  const grouped = new Map<string, OpData[]>();
  for (const root of roots) {
    const { opType } = splitOpName(root.opName);
    grouped.set(opType, [...(grouped.get(opType) ?? []), root]);
  }
  return grouped;
}

const ABSENT = '';
const CONSTANT = '#constant';
const GRAPH_INPUT = '#input';

function makerOf(value: Value | undefined): string {
  if (value === undefined) return ABSENT;
  const { producer } = value;
  if (producer.kind === 'op') return producer.opType;
  return producer.kind === 'get_attr' ? CONSTANT : GRAPH_INPUT;
}

/** False only where no order of the inputs can fit. */
function mayFit({ opName, inputs }: OpData, first: string, second: string): boolean {
  const [a, b] = inputs;
  const isOpen = a?.kind === 'variadic' || b?.kind === 'variadic';
  const fits = (x: string, y: string) => accepts(a, x) && (isOpen || accepts(b, y));
  return fits(first, second) || (isCommutative(opName) && fits(second, first));
}

/** False only where an input that `maker` makes can't be one that the pattern means, by what makes the maker's own first input. */
function mayLieBehind(data: PatternData | undefined, maker: string, before: string): boolean {
  if (data === undefined || !accepts(data, maker)) return data === undefined;
  if (data.kind === 'anyOf') return data.options.some((option) => mayLieBehind(option, maker, before));
  if (data.kind === 'optional' || data.kind === 'variadic')
    return maker === ABSENT || mayLieBehind(data.inner, maker, before);
  if (data.kind !== 'op') return true;
  return isCommutative(data.opName) || accepts(data.inputs[0], before);
}

function accepts(data: PatternData | undefined, maker: string): boolean {
  switch (data?.kind) {
    case undefined:
      return true;
    case 'op':
      return splitOpName(data.opName).opType === maker;
    case 'constant':
      return maker === CONSTANT;
    case 'absent':
      return maker === ABSENT;
    case 'optional':
      return maker === ABSENT || accepts(data.inner, maker);
    case 'anyOf':
      return data.options.some((option) => accepts(option, maker));
    case 'variadic':
      return maker === ABSENT || accepts(data.inner, maker);
    default:
      return maker !== ABSENT;
  }
}
