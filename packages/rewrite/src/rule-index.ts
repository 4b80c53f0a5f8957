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

/** The rules of one operator type, and those of them that can fit what makes the first two inputs. */
interface Root {
  readonly rules: readonly (IndexedRule & { readonly roots: readonly OpData[] })[];
  readonly byFirst: Map<string, Map<string, readonly IndexedRule[]>>;
}

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
      found = root.rules.filter(({ roots }) => roots.some((data) => mayFit(data, first, second)));
      bySecond.set(second, found);
    }
    return found;
  }
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
