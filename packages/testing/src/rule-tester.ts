import { type GraphModule, lint, parseModule, printModule } from '@bitwright/graph';
import { applyRules, foldConstants, type Rule, type RulesReport } from '@bitwright/rewrite';
import { compareModels } from './compare-models.js';
import type { RunOptions } from './run-model.js';
import { TestFailure } from './test-failure.js';
import type { Tolerance } from './tolerance.js';

/** A model that the rule rewrites. */
export interface MatchCase extends RunOptions {
  readonly name?: string;
  /** In the text form, or built. */
  readonly before: string | GraphModule;
  /** What must come out, in the text form; left out, only the numbers are compared. */
  readonly after?: string;
  /** How often the rule must apply; any number above 0 by default. */
  readonly times?: number;
  readonly tolerance?: Tolerance;
}

/** A model that the rule leaves as it is. */
export interface RejectCase {
  readonly name?: string;
  readonly model: string | GraphModule;
  /** The code that the rule refuses with; left out, the pattern must not even match. */
  readonly code?: string;
}

/** What a rule is held against. */
export interface RuleCases {
  readonly matches: readonly MatchCase[];
  readonly rejects?: readonly RejectCase[];
  /** Other rules that are applied together with it, behind it. */
  readonly with?: readonly Rule[];
}

/** What was tried. */
export interface RuleTestReport {
  readonly matches: number;
  readonly rejects: number;
}

/** Holds rules against models. */
export const ruleTester = {
  /**
   * Applies a rule to each model and looks at everything that a rule promises: it applies, the graph stays valid, the text
   * form survives print and parse, a second run finds nothing more, the numbers are equal in ONNX Runtime on random inputs,
   * and what it must leave alone stays as it is, with the code.
   *
   * @throws TestFailure naming the rule and the case.
   */
  async run(rule: Rule, cases: RuleCases): Promise<RuleTestReport> {
    const rules = [rule, ...(cases.with ?? [])];
    for (const [i, match] of cases.matches.entries())
      await inCase(rule, match.name ?? `match ${i + 1}`, () => assertMatches(rule, rules, match));
    for (const [i, reject] of (cases.rejects ?? []).entries())
      await inCase(rule, reject.name ?? `reject ${i + 1}`, async () => assertRejects(rule, rules, reject));
    return { matches: cases.matches.length, rejects: cases.rejects?.length ?? 0 };
  },
} as const;

async function inCase(rule: Rule, name: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new TestFailure(`Rule '${rule.name}', ${name}: ${why}`, { cause: thrown });
  }
}

async function assertMatches(rule: Rule, rules: readonly Rule[], match: MatchCase): Promise<void> {
  const before = load(match.before);
  const after = before.clone();
  const report = apply(after, rules);
  const times = report.applied.filter((entry) => entry.rule === rule.name).length;
  if (times === 0) throw new TestFailure(`it does not apply${reasons(report)}.\n${printModule(before)}`);
  if (match.times !== undefined && match.times !== times)
    throw new TestFailure(`it applies ${times} times where ${match.times} are expected.`);
  lint(after);
  assertRoundTrip(after);
  const again = apply(after.clone(), rules).applied.length;
  if (again > 0) throw new TestFailure(`applied once more, it finds ${again} matches in what it made.`);
  if (match.after !== undefined) assertText(after, load(match.after));
  await compareModels(before, after, match);
}

function assertRejects(rule: Rule, rules: readonly Rule[], { model, code }: RejectCase): void {
  const module = load(model);
  foldConstants(module);
  const before = printModule(module);
  const report = apply(module, rules);
  if (report.applied.some((entry) => entry.rule === rule.name))
    throw new TestFailure(`it applies, and must not.\n${before}`);
  const codes = report.rejected.filter((entry) => entry.rule === rule.name).map((entry) => entry.code);
  if (code === undefined && codes.length > 0)
    throw new TestFailure(
      `its pattern matches, and it refuses with ${codes.join(', ')}; no match is expected.`,
    );
  if (code !== undefined && !codes.includes(code))
    throw new TestFailure(
      `it refuses with ${codes.join(', ') || 'nothing: its pattern does not match'}, not with ${code}.`,
    );
  if (printModule(module) !== before)
    throw new TestFailure('it refuses, and has changed the model all the same.');
}

function load(model: string | GraphModule): GraphModule {
  const module = typeof model === 'string' ? parseModule(model) : model.clone();
  lint(module);
  assertRoundTrip(module);
  return module;
}

function apply(module: GraphModule, rules: readonly Rule[]): RulesReport {
  foldConstants(module);
  return applyRules(module, rules);
}

function assertRoundTrip(module: GraphModule): void {
  const text = printModule(module);
  const again = printModule(parseModule(text));
  if (again !== text) throw new TestFailure(`printing and parsing changes the model:\n${text}\n${again}`);
}

function assertText(found: GraphModule, expected: GraphModule): void {
  foldConstants(expected);
  const [x, y] = [printModule(found), printModule(expected)];
  if (x !== y) throw new TestFailure(`this came out:\n${x}\nand this is expected:\n${y}`);
}

function reasons({ rejected }: RulesReport): string {
  return rejected.map(({ code, reason }) => ` (${code}: ${reason})`).join('');
}
