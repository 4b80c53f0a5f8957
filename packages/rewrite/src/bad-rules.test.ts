import { BitwrightError } from '@bitwright/core';
import { type GraphModule, lint, type OpNode, parseModule, printModule } from '@bitwright/graph';
import { describe, expect, it } from 'vitest';
import { applyRules } from './apply-rules.js';
import { anyValue, op } from './pattern-builders.js';
import { defineRule, type Rule } from './rule.js';

const model = () =>
  parseModule(
    `<ir_version: 8, opset_import: ["" : 13]> g (float[4] x, bool c) => (float[4] y, float[4] z) {
      a = Relu(x) b = Relu(a) d = Neg(b) y = Abs(d)
      z = If(c) <then_branch = t () => (float u) { n = Neg(a) u = Exp(n) }, else_branch = e () => (float v) { v = Abs(x) }>
    }`,
  );

/** What goes before the bad rule, so that there is something to take back. */
const mergeRelus = defineRule({
  name: 'merge-relus',
  match: op('Exp', op('Neg', anyValue.as('x'))).as('exp'),
  rewrite: ({ exp, x }, r) => {
    r.replace(exp, r.op.Neg([r.op.Exp([x])]));
  },
});

/** The error of a rule, after it was seen that the model is what it was: the same nodes in the same places. */
function failure(rule: Rule, module: GraphModule = model()): BitwrightError {
  const before = printModule(module);
  const nodes = [...module.graph.allOps()];
  const others = rule.name === 'anchored' ? [] : [mergeRelus];
  try {
    applyRules(module, [...others, rule]);
  } catch (error) {
    expect(printModule(module)).toBe(before);
    expect([...module.graph.allOps()]).toEqual(nodes);
    lint(module);
    if (error instanceof BitwrightError) return error;
    throw error;
  }
  throw new Error('no error');
}

const bad = (rewrite: Parameters<typeof defineRule<typeof absOfNeg>>[0]['rewrite']) =>
  failure(defineRule({ name: 'bad', match: absOfNeg, rewrite }));

const absOfNeg = op('Abs', op('Neg', anyValue.as('x')).as('neg')).as('abs');

describe('a rule that fails is named, and the model is unchanged', () => {
  it('when it throws, in any of its parts', () => {
    const thrower = () => {
      throw new Error('out of ideas');
    };
    const failed = { code: 'RULE_FAILED', message: "The rule 'bad' failed at 'y': out of ideas" };
    expect(bad(thrower)).toMatchObject(failed);
    const rewrite = () => undefined;
    expect(failure(defineRule({ name: 'bad', match: absOfNeg, where: thrower, rewrite }))).toMatchObject(
      failed,
    );
    const inPattern = op('Abs', anyValue.where(thrower, 'luck'));
    expect(failure(defineRule({ name: 'bad', match: inPattern, rewrite })).code).toBe('RULE_FAILED');
  });

  it('when it removes a value that is still used', () => {
    const erased = bad(({ neg }) => {
      neg.graph.eraseNode(neg);
      return undefined;
    });
    expect(erased).toMatchObject({ code: 'RULE_FAILED', cause: { code: 'GRAPH_NODE_IN_USE' } });
    expect(erased.message).toContain("'bad'");
    const forgotten = bad(({ abs }, r) => {
      r.replace(abs);
      return undefined;
    });
    expect(forgotten).toMatchObject({ code: 'RULE_FAILED', cause: { code: 'REWRITE_INCOMPLETE' } });
  });

  it('when it edits the graph behind the back of the rewriter and then fails', () => {
    const edited = bad(({ neg, x }) => {
      x.producer.graph.rename(neg.output, 'other');
      neg.graph.createOp({ opType: 'Relu', inputs: [x] });
      neg.setInput(0, undefined);
      neg.attributes = neg.attributes.with({ a: 1 });
      throw new Error('too late');
    });
    expect(edited.code).toBe('RULE_FAILED');
  });

  it('when it makes a cycle', () => {
    const cycle = bad(({ abs, neg }, r) => {
      r.replace(neg, r.op.Exp([abs]));
      return undefined;
    });
    expect(cycle).toMatchObject({
      code: 'RULE_BREAKS_GRAPH',
      at: { node: 'y' },
      cause: { code: 'GRAPH_INVALID' },
    });
    expect(cycle.message).toMatch(
      /The rule 'bad' left a graph that is not valid at 'y': .*wait for each other/,
    );
  });

  it('when it loops for ever, by making nodes or by applying again and again', () => {
    const making = bad(({ x }, r) => {
      for (;;) r.op.Relu([x]);
    });
    expect(making).toMatchObject({ code: 'RULE_FAILED', cause: { code: 'REWRITE_TOO_MANY_NODES' } });
    const inserting = bad(({ abs }, r) => {
      r.replace(abs, r.op.Relu([abs]));
      return undefined;
    });
    expect(inserting).toMatchObject({ code: 'RULES_DO_NOT_CONVERGE' });
    expect(inserting.message).toContain("'bad' undoes itself");
    const growing = failure(
      defineRule({
        name: 'bad',
        match: op('Abs', anyValue.as('x')).as('abs'),
        rewrite: ({ abs, x }, r) => {
          r.replace(abs, r.op.Abs([r.op.Abs([x])]));
        },
      }),
    );
    expect(growing.message).toContain("'bad' undoes itself");
  });

  it('when it answers nonsense', () => {
    const answering = (answer: unknown) => bad(() => answer as undefined);
    expect(answering(false)).toMatchObject({ code: 'RULE_FAILED', cause: { code: 'RULE_ANSWER' } });
    expect(answering(Promise.resolve()).message).toContain('its rewrite returns a promise');
    const where = (() => undefined) as unknown as () => true;
    const silent = failure(defineRule({ name: 'bad', match: absOfNeg, where, rewrite: () => undefined }));
    expect(silent.message).toContain('its where returns undefined, neither true nor a rejection');
  });

  it('when it makes an operator that does not exist, or reads what does not exist', () => {
    const misspelt = bad(({ abs, x }, r) => {
      r.replace(abs, (r.op as unknown as Record<string, typeof r.op.Relu>)['Rellu']!([x]));
      return undefined;
    });
    expect(misspelt.message).toContain("There is no operator 'Rellu'");
    const foreign = parseModule(
      '<ir_version: 8, opset_import: ["" : 13]> g (float[4] q) => (float[4] y) { y = Relu(q) }',
    );
    const reading = bad(({ abs }, r) => {
      r.replace(abs, r.op.Relu([foreign.graph.inputs[0]]));
      return undefined;
    });
    expect(reading).toMatchObject({ code: 'RULE_FAILED', cause: { code: 'GRAPH_FOREIGN_VALUE' } });
  });
});

describe('rules that undo each other', () => {
  const swap = (from: 'Neg' | 'Abs' | 'Exp', to: 'Neg' | 'Abs' | 'Exp') =>
    defineRule({
      name: `${from}-to-${to}`,
      match: op(from, anyValue.as('x')).as('it'),
      rewrite: ({ it, x }, r) => {
        r.replace(it, r.op[to]([x]));
      },
    });

  it('are named, all of them and no others, soon and in a large graph', () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => `v${i + 1} = Relu(v${i})`).join('\n');
    const module = parseModule(
      `<ir_version: 8, opset_import: ["" : 13]> g (float[4] v0) => (float[4] y) { ${lines} e = Sin(v20000) y = Neg(e) }`,
    );
    const merge = defineRule({
      name: 'merge',
      match: op('Relu', op('Relu', anyValue.as('x'))).as('outer'),
      rewrite: ({ x, outer }, r) => {
        r.replace(outer, r.op.Relu([x]));
      },
    });
    const before = printModule(module);
    const rules = [merge, swap('Neg', 'Abs'), swap('Abs', 'Exp'), swap('Exp', 'Neg')];
    expect(() => applyRules(module, rules)).toThrow(
      /^The rules '\w+-to-\w+' and '\w+-to-\w+' and '\w+-to-\w+' undo each other: after 200\d\d applications/,
    );
    expect(printModule(module)).toBe(before);
  });

  it('are found when one makes two of one and the other one of two', () => {
    const split = defineRule({
      name: 'split',
      match: op('Neg', anyValue.as('x')).as('neg'),
      rewrite: ({ neg, x }, r) => {
        r.replace(neg, r.op.Abs([r.op.Exp([x])]));
      },
    });
    const join = defineRule({
      name: 'join',
      match: op('Abs', op('Exp', anyValue.as('x'))).as('abs'),
      rewrite: ({ abs, x }, r) => {
        r.replace(abs, r.op.Neg([x]));
      },
    });
    const module = model();
    expect(() => applyRules(module, [split, join])).toThrow(
      /'(split|join)' and '(split|join)' undo each other/,
    );
  });
});

it('a graph that was not valid before is not blamed on a rule', () => {
  const module = model();
  const abs = [...module.graph.ops()].find(({ opType }) => opType === 'Abs') as OpNode;
  module.graph.insertBefore(module.graph.first, abs);
  const rule = defineRule({
    name: 'innocent',
    match: op('Relu', op('Relu', anyValue.as('x')).shared()).as('relu'),
    rewrite: ({ relu, x }, r) => {
      r.replace(relu, r.op.Relu([x]));
    },
  });
  expect(() => applyRules(module, [rule])).toThrow(expect.objectContaining({ code: 'GRAPH_INVALID' }));
});
