import { BitwrightError } from '@bitwright/core';
import { type GraphModule, lint, type OpNode, parseModule, printModule } from '@bitwright/graph';
import { describe, expect, it } from 'vitest';
import { applyRules } from './apply-rules.js';
import { anyValue, constant, op } from './pattern-builders.js';
import { provenanceOf } from './provenance.js';
import { reject } from './rejection.js';
import { canReplace } from './rewrite-session.js';
import { defineRule, type Rule } from './rule.js';
import { rulesPass, runPasses } from './run-passes.js';

const model = (signature: string, body: string) =>
  parseModule(`<ir_version: 8, opset_import: ["" : 13]> g ${signature} { ${body} }`);

const ops = (module: GraphModule) => [...module.graph.allOps()].map(({ opType }) => opType);

const verified = (module: GraphModule, ...rules: Rule[]) => {
  const report = applyRules(module, rules);
  lint(module);
  return report;
};

const mergeRelus = defineRule({
  name: 'merge-relus',
  match: op('Relu', op('Relu', anyValue.as('x')).as('inner')).as('outer'),
  rewrite({ x, outer }, r) {
    r.replace(outer, r.op.Relu([x]));
  },
});

const dropIdentity = defineRule({
  name: 'drop-identity',
  match: op('Identity', anyValue.as('x')).as('identity'),
  where: ({ identity, x }) =>
    canReplace(identity.output, x) || reject('KEPT', 'its name is needed', identity),
  rewrite: ({ identity, x }, r) => {
    r.replace(identity, x);
  },
});

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof BitwrightError) return `${error.code}: ${error.message}`;
  }
  return 'none';
}

describe('applyRules', () => {
  it('rewrites a chain to its end; names, types and provenance survive', () => {
    const module = model(
      '(float[N,4] x) => (float[N,4] y)',
      '[a] a = Relu(x) [b] b = Relu(a) [c] c = Relu(b) [d] y = Relu(c)',
    );
    const report = verified(module, mergeRelus);
    expect(ops(module)).toEqual(['Relu']);
    const [made] = [...module.graph.ops()];
    expect(made!.output.name).toBe('y');
    expect(made!.output.shape).toEqual(['N', 4]);
    expect(report.applied.map(({ rule }) => rule)).toEqual(['merge-relus', 'merge-relus', 'merge-relus']);
    expect(provenanceOf(made!)).toEqual({ rule: 'merge-relus', from: ['d', 'c', 'b', 'a'] });
  });

  it('counts readers in bodies and outputs of the graph as uses from outside', () => {
    const inBody = model(
      '(float[4] x, bool c) => (float[4] y, float[4] z)',
      `a = Relu(x) y = Relu(a)
       z = If(c) <then_branch = t () => (float u) { u = Neg(a) }, else_branch = e () => (float v) { v = Abs(x) }>`,
    );
    expect(verified(inBody, mergeRelus).applied).toEqual([]);
    const asOutput = model('(float[4] x) => (float[4] a, float[4] y)', 'a = Relu(x) y = Relu(a)');
    expect(verified(asOutput, mergeRelus).applied).toEqual([]);
  });

  it('applies rules inside bodies and never across their border, unless told so', () => {
    const body = (inner: string) =>
      model(
        '(float[4] x, bool c) => (float[4] z)',
        `a = Relu(x) z = If(c) <then_branch = t () => (float u) { ${inner} }, else_branch = e () => (float v) { v = Abs(x) }>`,
      );
    const within = body('b = Relu(x) u = Relu(b)');
    expect(verified(within, mergeRelus).applied).toHaveLength(1);
    const across = 'u = Relu(a)';
    expect(verified(body(across), mergeRelus).applied).toEqual([]);
    const crossing = defineRule({
      name: 'crossing',
      match: op('Relu', op('Relu', anyValue.as('x')).crossing()).as('outer'),
      rewrite: ({ x, outer }, r) => {
        r.replace(outer, r.op.Relu([x]));
      },
    });
    const module = body(across);
    expect(verified(module, crossing).applied).toHaveLength(1);
    expect(ops(module).sort()).toEqual(['Abs', 'If', 'Relu']);
  });

  it('leaves a shared operator where others read it', () => {
    const module = model('(float[4] x) => (float[4] y, float[4] z)', 'a = Neg(x) y = Abs(a) z = Exp(a)');
    const sharing = defineRule({
      name: 'abs-of-neg',
      match: op('Abs', op('Neg', anyValue.as('x')).shared()).as('abs'),
      rewrite: ({ abs, x }, r) => {
        r.replace(abs, r.op.Abs([x]));
      },
    });
    expect(verified(module, sharing).applied).toHaveLength(1);
    expect(ops(module)).toEqual(['Neg', 'Abs', 'Exp']);
    expect(module.graph.outputs.map(({ name }) => name)).toEqual(['y', 'z']);
  });

  it('gives the name of an output to what replaces it, or refuses', () => {
    const kept = model('(float[4] x) => (float[4] y)', 'y = Identity(x)');
    expect(verified(kept, dropIdentity).rejected).toEqual([
      { rule: 'drop-identity', node: 'y', code: 'KEPT', reason: 'its name is needed', culprit: 'y' },
    ]);
    const named = model('(float[4] x) => (float[4] y)', 'a = Relu(x) y = Identity(a)');
    expect(verified(named, dropIdentity).applied).toHaveLength(1);
    expect(named.graph.outputs.map(({ name }) => name)).toEqual(['y']);
    const careless = defineRule({
      name: 'careless',
      match: op('Identity', anyValue.as('x')).as('i'),
      rewrite: ({ i, x }, r) => {
        r.replace(i, x);
      },
    });
    expect(codeOf(() => applyRules(kept, [careless]))).toMatch(/RULE_FAILED.*cannot take that name/);
  });

  it('lets a new node read the replaced one, for insertions', () => {
    const module = model('(float[4] x) => (float[4] y)', 'y = Neg(x)');
    const insert = defineRule({
      name: 'insert',
      match: op('Neg', anyValue).as('neg'),
      where: ({ neg }) => !neg.meta.has('seen') || reject('SEEN', 'seen'),
      rewrite: ({ neg }, r) => {
        neg.meta.set('seen', true);
        r.replace(neg, r.op.Relu([neg]));
      },
    });
    verified(module, insert);
    expect(ops(module)).toEqual(['Neg', 'Relu']);
    expect(module.graph.outputs[0]!.name).toBe('y');
  });

  it('erases initializers that nobody reads any more and lets new ones take their names', () => {
    const module = model('(float[2] x) => (float[2] y) <float[2] c = {1, 2}>', 'y = Mul(x, c)');
    const rule = defineRule({
      name: 'mul-to-add',
      match: op('Mul', anyValue.as('x'), constant.as('c')).as('mul'),
      rewrite: ({ mul, x, c }, r) => {
        r.replace(mul, r.op.Add([x, r.constant(c.output.name, c.tensor)]));
      },
    });
    verified(module, rule);
    expect(printModule(module)).toContain('y = Add (x, c)');
  });

  it('makes typed attributes: a float attribute given as 1 is 1.0', () => {
    const module = model('(float[2] x) => (float[2] y)', 'y = Relu(x)');
    const rule = defineRule({
      name: 'relu-to-elu',
      match: op('Relu', anyValue.as('x')).as('relu'),
      rewrite: ({ relu, x }, r) => {
        r.replace(relu, r.op.Elu([x], { alpha: 1 }));
      },
    });
    verified(module, rule);
    const [elu] = [...module.graph.ops()] as [OpNode];
    expect(elu.attributes.get('alpha')).toEqual({ type: 'float', value: 1 });
  });

  it('names a failing rule and leaves the module as it was, notes included', () => {
    const module = model('(float[4] x) => (float[4] y)', 'a = Relu(x) b = Relu(a) y = Neg(b)');
    for (const node of module.graph.ops()) node.meta.set('note', node.opType);
    const before = printModule(module);
    const failing = defineRule({
      name: 'failing',
      match: op('Neg', anyValue.as('x')).as('neg'),
      rewrite({ x }, r) {
        r.op.Relu([x]);
        throw new Error('out of ideas');
      },
    });
    expect(codeOf(() => applyRules(module, [mergeRelus, failing]))).toBe(
      "RULE_FAILED: The rule 'failing' failed at 'y': out of ideas",
    );
    expect(printModule(module)).toBe(before);
    expect([...module.graph.ops()].map(({ meta }) => meta.get('note'))).toEqual(['Relu', 'Relu', 'Neg']);
    lint(module);
  });

  it('undoes what a rule made before it refused', () => {
    const module = model('(float[4] x) => (float[4] y)', 'y = Neg(x)');
    const before = printModule(module);
    const refusing = defineRule({
      name: 'refusing',
      match: op('Neg', anyValue.as('x')),
      rewrite: ({ x }, r) => {
        r.op.Relu([r.op.Abs([x])]);
        return reject('NO', 'not today');
      },
    });
    expect(verified(module, refusing).rejected).toHaveLength(1);
    expect(printModule(module)).toBe(before);
  });

  it('names a pair of rules that undo each other', () => {
    const swap = (from: 'Neg' | 'Abs', to: 'Neg' | 'Abs') =>
      defineRule({
        name: `${from}-to-${to}`,
        match: op(from, anyValue.as('x')).as('it'),
        rewrite: ({ it, x }, r) => {
          r.replace(it, r.op[to]([x]));
        },
      });
    const module = model('(float[4] x) => (float[4] y)', 'y = Neg(x)');
    expect(codeOf(() => applyRules(module, [swap('Neg', 'Abs'), swap('Abs', 'Neg')]))).toMatch(
      /RULES_DO_NOT_CONVERGE: The rules '.*-to-.*' and '.*-to-.*' undo each other/,
    );
    expect(codeOf(() => applyRules(module, [swap('Neg', 'Neg')]))).toMatch(/'Neg-to-Neg' undoes itself/);
    expect(ops(module)).toEqual(['Neg']);
  });

  it('refuses two rules of one name', () => {
    const module = model('(float[4] x) => (float[4] y)', 'y = Neg(x)');
    expect(codeOf(() => applyRules(module, [mergeRelus, mergeRelus]))).toMatch(/RULE_NAME_TAKEN/);
  });

  it('refuses to forget a result that is read', () => {
    const module = model('(float[4] x) => (float[2] y, float[2] z)', 'y, z = Split(x)');
    const forgetful = defineRule({
      name: 'forgetful',
      match: op('Split', anyValue.as('x')).as('split'),
      rewrite: ({ split, x }, r) => {
        r.replace(split, r.op.Relu([x]));
      },
    });
    expect(codeOf(() => applyRules(module, [forgetful]))).toMatch(/gives nothing for its result 'z'/);
  });

  it('replaces an operator of several results', () => {
    const module = model('(float[4] x) => (float[2] y, float[2] z)', 'y, z = Split(x)');
    const rule = defineRule({
      name: 'split-twice',
      match: op('Split', anyValue.as('x')).as('split'),
      where: ({ split }) => !split.attributes.has('axis') || reject('DONE', 'done'),
      rewrite: ({ split, x }, r) => {
        const made = r.createOp('Split', [x], { axis: 0 }, { outputs: 2 });
        r.replace(split, made.outputs[1], made.outputs[0]);
      },
    });
    verified(module, rule);
    expect(printModule(module)).toContain('z, y = Split');
  });

  it('works through 20 000 operators without recursion', () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => `v${i + 1} = Relu(v${i})`).join('\n');
    const module = model('(float[4] v0) => (float[4] v20000)', lines);
    expect(applyRules(module, [mergeRelus]).applied).toHaveLength(19_999);
    expect(ops(module)).toEqual(['Relu']);
  });
});

describe('runPasses', () => {
  it('verifies the module around every pass and names the one that damaged it', async () => {
    const module = model('(float[4] x) => (float[4] y)', 'a = Relu(x) y = Relu(a)');
    const seen: string[] = [];
    const reports = await runPasses(module, [rulesPass('relus', [mergeRelus])], {
      onPass: (name) => seen.push(name),
    });
    expect(reports.map(({ pass, report }) => [pass, report.applied.length])).toEqual([['relus', 1]]);
    expect(seen).toEqual(['relus']);
    const damage = {
      name: 'damage',
      run: ({ graph }: GraphModule) => {
        const [relu] = [...graph.ops()];
        graph.createOp({ opType: 'Neg', inputs: [relu!.output], before: relu! });
      },
    };
    await expect(runPasses(module, [damage])).rejects.toMatchObject({
      code: 'GRAPH_INVALID',
      message: /damage/,
    });
  });
});
