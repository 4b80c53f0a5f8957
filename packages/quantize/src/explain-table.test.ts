import type { BackendConfig } from '@bitwright/backends';
import { type OpNode, parseModule } from '@bitwright/graph';
import { expect, it } from 'vitest';
import { explainTable } from './explain-table.js';
import { planLayers } from './layer-plan.js';
import { QConfigResolver } from './qconfig.js';

const dtypes = [{ input: { bits: [8] }, weight: { bits: [8] }, output: { bits: [8] } }];
const entry = (...pattern: string[]) => ({
  pattern,
  anchor: pattern[0]!,
  observation: 'OUTPUT_USE_DIFFERENT_OBSERVER_AS_INPUT' as const,
  dtypes,
});
const backend: BackendConfig = {
  name: 'test',
  description: 'for this test',
  entries: [
    entry('Conv', 'Relu'),
    entry('Conv', 'Clip'),
    entry('Conv'),
    entry('Relu'),
    entry('Relu', 'Relu'),
  ],
};

function explain(body: string, name: string, bits = 8) {
  const { graph } = parseModule(
    `<ir_version: 8, opset_import: ["" : 13]> g (float[1,1,2,2] x, float hi) => (float[1,1,2,2] y) <float[1,1,1,1] w = {2}> { ${body} }`,
  );
  const resolver = new QConfigResolver({
    weights: bits,
    activations: bits,
    symmetricWeights: true,
    perChannel: true,
    symmetricActivations: false,
    reduceRange: false,
    powerOfTwo: false,
    bias: 'int32',
  });
  const node = [...graph.ops()].find((op) => op.displayName === name) as OpNode;
  return Object.fromEntries(
    explainTable(node, backend, planLayers(graph, backend, resolver)).map((it) => [it.pattern, it]),
  );
}

it('says which entry claims an operator, which ones it shadows, and leaves out those of other operators', () => {
  const found = explain('c = Conv(x, w) y = Relu(c)', 'y');
  expect(Object.keys(found)).toEqual(['Conv+Relu', 'Relu', 'Relu+Relu']);
  expect(found['Conv+Relu']).toMatchObject({ outcome: 'claims', depth: 2 });
  expect(found['Relu']).toMatchObject({
    outcome: 'shadowed',
    refusal: { reason: 'the entry Conv+Relu claims it first' },
  });
  expect(found['Relu+Relu']).toMatchObject({
    outcome: 'no-match',
    failed: { node: 'y', value: 'y', needed: "Relu as the only reader of 'y'" },
  });
});

it('names the first condition that failed, forwards and backwards', () => {
  expect(explain('y = Conv(x, w)', 'y')['Conv+Relu']?.failed).toEqual({
    node: 'y',
    value: 'y',
    needed: "Relu as the only reader of 'y'",
    found: 'an output of the graph',
  });
  const shared = explain('c = Conv(x, w) r = Relu(c) n = Neg(c) y = Add(r, n)', 'c');
  expect(shared['Conv+Relu']?.failed?.found).toBe("Relu 'r', Neg 'n'");
  const bound = explain('c = Conv(x, w) y = Clip(c, "", hi)', 'c');
  expect(bound['Conv+Clip']?.failed).toMatchObject({
    needed: 'constant bounds of Clip',
    found: "'hi' is computed",
  });
  expect(explain('y = Relu(x)', 'y')['Conv+Relu']?.failed).toMatchObject({
    value: 'x',
    needed: 'Conv before it',
  });
  expect(explain('y = Relu(x)', 'y')['Conv+Relu']?.failed?.found).toBe("the input 'x' of the graph");
});

it('passes on why an operator that an entry fits stays float', () => {
  expect(explain('y = Conv(x, w)', 'y', 4)['Conv']).toMatchObject({
    outcome: 'refused',
    refusal: { code: 'FLOAT_BITS' },
  });
});
