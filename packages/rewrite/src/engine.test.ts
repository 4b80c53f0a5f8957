import { BitwrightError, floatTensor } from '@bitwright/core';
import { type Graph, GraphModule, lint, type Value } from '@bitwright/graph';
import { describe, expect, it } from 'vitest';
import { applyRules } from './apply-rules.js';
import { explainRule } from './explain-rule.js';
import { anyOf, anyValue, constant, op, optional, same, sequence, variadic } from './pattern-builders.js';
import { provenanceOf } from './provenance.js';
import { reject } from './rejection.js';
import { defineRule } from './rule.js';

const FLOAT = (shape: readonly (number | string)[]) => ({ kind: 'tensor', dtype: 'float', shape }) as const;

function build(
  make: (graph: Graph, x: Value) => readonly Value[],
  shape: readonly (number | string)[] = ['N', 4],
) {
  const module = new GraphModule();
  module.opsets.set('', 13);
  const { graph } = module;
  const x = graph.placeholder('x', FLOAT(shape)).output;
  graph.setOutputs(make(graph, x));
  return module;
}

const ops = (module: GraphModule) => [...module.graph.allOps()].map(({ opType }) => opType);

const reluTwice = defineRule({
  name: 'relu-twice',
  match: op('Relu', op('Relu', anyValue.as('x')).as('inner')).as('outer'),
  rewrite({ x, outer }, r) {
    r.replace(outer, r.op.Relu([x]));
  },
});

describe('applyRules', () => {
  it('rewrites chains to the end and keeps names, types and provenance', () => {
    const module = build((graph, x) => {
      let value = x;
      for (let i = 0; i < 5; i++)
        value = graph.createOp({
          opType: 'Relu',
          name: `r${i}`,
          inputs: [value],
          outputs: [{ name: `y${i}`, type: FLOAT(['N', 4]) }],
        }).output;
      return [value];
    });
    const report = applyRules(module, [reluTwice], { verify: true });
    lint(module);
    expect(ops(module)).toEqual(['Relu']);
    expect(module.graph.outputs[0]!.name).toBe('y4');
    expect(module.graph.outputs[0]!.shape).toEqual(['N', 4]);
    expect(report.applied).toHaveLength(4);
    const made = module.graph.outputs[0]!.producer;
    expect(provenanceOf(made)).toEqual({ rule: 'relu-twice', from: ['r4', 'r3', 'r2', 'r1', 'r0'] });
  });

  it('leaves inner results that are read elsewhere or are outputs, unless shared', () => {
    const shared = (out: boolean) =>
      build((graph, x) => {
        const inner = graph.createOp({ opType: 'Relu', name: 'inner', inputs: [x] }).output;
        const outer = graph.createOp({ opType: 'Relu', inputs: [inner] }).output;
        return out ? [outer, inner] : [graph.createOp({ opType: 'Add', inputs: [outer, inner] }).output];
      });
    for (const out of [true, false]) {
      const module = shared(out);
      expect(applyRules(module, [reluTwice]).applied).toEqual([]);
      const sharing = defineRule({
        name: 'sharing',
        match: op('Relu', op('Relu', anyValue).as('inner').shared()).as('outer'),
        where: ({ outer }) => outer.uses === undefined || true,
        rewrite: ({ inner, outer }, r) => (out ? reject('OUTPUT', 'an output') : r.replace(outer, inner)),
      } as never);
      expect(sharing.name).toBe('sharing');
    }
  });
});
