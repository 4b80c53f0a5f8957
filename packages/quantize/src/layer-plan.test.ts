import { type BackendConfig, findBackend } from '@bitwright/backends';
import { expect, it } from 'vitest';
import { type Choices, model, resolverOf } from '../test/prepared-model.js';
import { type LayerPlan, planLayers } from './layer-plan.js';

const W = 'float[2,2,1,1] w = {1,2,3,4}';

function planOf(body: string, choices: Choices = {}, backend?: BackendConfig): LayerPlan {
  const { graph } = model(body);
  return planLayers(graph, backend ?? findBackend(choices.backend ?? 'integer-only'), resolverOf(choices));
}

/** The groups as `Conv+Relu`, and the reasons of the nodes left float by their results. */
function summary(plan: LayerPlan) {
  return {
    layers: plan.layers.map(({ nodes }) => nodes.map(({ opType }) => opType).join('+')),
    float: Object.fromEntries([...plan.float].map(([node, { code }]) => [node.output.name, code])),
  };
}

const reasonOf = (plan: LayerPlan, name: string) =>
  [...plan.float].find(([node]) => node.output.name === name)?.[1];

it('groups a convolution with the Relu behind it', () => {
  const plan = planOf(`g (float[1,2,4,4] x) => (y) <${W}> { c = Conv(x, w) y = Relu(c) }`);
  expect(summary(plan)).toEqual({ layers: ['Conv+Relu'], float: {} });
  expect(plan.layers[0]).toMatchObject({ weightInput: 1, activationInputs: [0] });
  expect(plan.layers[0]!.biasInput).toBeUndefined();
});

it('does not group over a value that another node reads, or that leaves the model', () => {
  const shared = `g (float[1,2,4,4] x) => (y, z) <${W}> { c = Conv(x, w) y = Relu(c) z = Tanh(c) }`;
  expect(summary(planOf(shared)).layers).toEqual(['Conv', 'Relu', 'Tanh']);
  const leaving = `g (float[1,2,4,4] x) => (y, c) <${W}> { c = Conv(x, w) y = Relu(c) }`;
  expect(summary(planOf(leaving)).layers).toEqual(['Conv', 'Relu']);
});

it('does not group with an activation that reads the value as a parameter, or that has computed bounds', () => {
  const bound = `g (float[1,2,4,4] x, float lo) => (y) <${W}> { c = Conv(x, w) y = Clip(c, lo) }`;
  expect(summary(planOf(bound)).layers).toEqual(['Conv', 'Clip']);
  const fixed = `g (float[1,2,4,4] x) => (y) <${W}, float lo = {0}, float hi = {6}> { c = Conv(x, w) y = Clip(c, lo, hi) }`;
  expect(summary(planOf(fixed)).layers).toEqual(['Conv+Clip']);
});

it('takes the longest pattern, wherever it stands in the table', () => {
  const table = findBackend('integer-only');
  const shortFirst = { ...table, entries: table.entries.toReversed() };
  const body = `g (float[1,2,4,4] x) => (y) <${W}> { c = Conv(x, w) y = Relu(c) }`;
  expect(summary(planOf(body, {}, shortFirst)).layers).toEqual(['Conv+Relu']);
});

it('does not take a node to keep float into a group', () => {
  const body = `g (float[1,2,4,4] x) => (y) <${W}> { c = Conv(x, w) [act] y = Relu(c) }`;
  expect(summary(planOf(body, { keepFloat: ['act'] }))).toEqual({
    layers: ['Conv'],
    float: { y: 'FLOAT_KEPT' },
  });
});

it('finds a constant bias that is a vector, and no other', () => {
  const gemm = (bias: string) =>
    planOf(`g (float[3,2] x) => (y) <float[2,2] w = {1,2,3,4}, ${bias}> { y = Gemm(x, w, b) }`).layers[0]!
      .biasInput;
  expect(gemm('float[2] b = {1,2}')).toBe(2);
  expect(gemm('float[1] b = {1}')).toBeUndefined();
  expect(gemm('float b = {1}')).toBeUndefined();
  expect(gemm('float[1,2] b = {1,2}')).toBeUndefined();
});

it('says why a layer with computed weights stays float', () => {
  const body = 'g (float[1,2,4,4] x, float[2,2,1,1] w) => (y) { y = Conv(x, w) }';
  expect(reasonOf(planOf(body), 'y')).toEqual({
    code: 'FLOAT_WEIGHT_NOT_CONSTANT',
    reason: 'its weights are computed, not constant',
  });
});

it('quantizes a MatMul of two activations on both sides', () => {
  const both = planOf('g (float[2,2] x, float[2,2] z) => (y) { y = MatMul(x, z) }').layers[0]!;
  expect(both.activationInputs).toEqual([0, 1]);
  expect(both.weightInput).toBeUndefined();
  const weighted = planOf('g (float[2,2] x) => (y) <float[2,2] w = {1,2,3,4}> { y = MatMul(x, w) }')
    .layers[0]!;
  expect(weighted).toMatchObject({ weightInput: 1, activationInputs: [0] });
});

it.each(['alpha=0.5', 'beta=2.0'])('leaves a Gemm with %s float', (attribute) => {
  const body = `g (float[2,2] x) => (y) <float[2,2] w = {1,2,3,4}> { y = Gemm<${attribute}>(x, w) }`;
  expect(summary(planOf(body))).toEqual({ layers: [], float: { y: 'FLOAT_GEMM_SCALED' } });
});

it('leaves integer arithmetic on shapes alone', () => {
  const body = `g (float[1,2,4,4] x) => (y) <int64[1] two = {2}, int64[1] rest = {-1}> {
    s = Shape(x) d = Gather(s, two) k = Mul(d, two) t = Concat<axis=0>(k, rest) y = Reshape(x, t)
  }`;
  expect(summary(planOf(body))).toEqual({
    layers: ['Reshape'],
    float: { s: 'FLOAT_NO_PATTERN', d: 'FLOAT_DTYPE', k: 'FLOAT_DTYPE', t: 'FLOAT_DTYPE' },
  });
  expect(reasonOf(planOf(body), 't')?.reason).toBe('it works on int64 values');
});

it('leaves operators on constants, foreign ones and those outside of the table float', () => {
  const body = `g (float[2] x) => (y, z, u, v) <float[2] a = {1,2}, float[2] b = {3,4}> {
    y = Add(a, b) z = com.example.Relu(x) u = Erf(x) v = BatchNormalization(x, a, b, a, b)
  }`;
  expect(summary(planOf(body))).toEqual({
    layers: [],
    float: { y: 'FLOAT_CONSTANT', z: 'FLOAT_NO_PATTERN', u: 'FLOAT_NO_PATTERN', v: 'FLOAT_BATCH_NORM' },
  });
});

it('takes parameters of an operator for no activations', () => {
  const plan = planOf(`g (float[1,4] x) => (y) <float lo = {0}, float hi = {6}> { y = Clip(x, lo, hi) }`);
  expect(plan.layers[0]!.activationInputs).toEqual([0]);
  const add = planOf('g (float[2] x) => (y) <float[2] a = {1,2}> { y = Add(x, a) }');
  expect(add.layers[0]!.activationInputs).toEqual([0, 1]);
});

it('says when the table does not take the widths', () => {
  const table = findBackend('integer-only');
  const narrow: BackendConfig = {
    ...table,
    entries: table.entries.map((entry) => ({
      ...entry,
      dtypes: [{ input: { bits: [8] }, weight: { bits: [8] } }],
    })),
  };
  const body = `g (float[1,2,4,4] x) => (y) <${W}> { y = Conv(x, w) }`;
  expect(reasonOf(planOf(body, { bits: 'W4A8' }, narrow), 'y')).toEqual({
    code: 'FLOAT_BITS',
    reason: 'the table takes no W4A8 here',
  });
  expect(planOf(body, { bits: 'W8A8' }, narrow).layers).toHaveLength(1);
});

it('academic gives the first and the last layer with weights 8 bits, and no other', () => {
  const body = `g (float[1,2,4,4] x) => (y) <${W}> { a = Conv(x, w) b = Conv(a, w) c = Conv(b, w) y = Conv(c, w) }`;
  const bits = planOf(body, { backend: 'academic', bits: 'W2A3' }).layers.map(
    ({ config }) => `W${config.weights}A${config.activations}`,
  );
  expect(bits).toEqual(['W8A8', 'W2A3', 'W2A3', 'W8A8']);
  expect(planOf(body, { bits: 'W2A3' }).layers.every(({ config }) => config.weights === 2)).toBe(true);
});

it('leaves nodes in bodies float, with the node that holds them', () => {
  const body = `g (float[2] x, bool c) => (y) {
    y = If<then_branch = t () => (r) { r = Relu(x) }, else_branch = e () => (q) { q = Tanh(x) }>(c)
  }`;
  expect(summary(planOf(body))).toEqual({
    layers: [],
    float: { y: 'FLOAT_NO_PATTERN', r: 'FLOAT_IN_BODY', q: 'FLOAT_IN_BODY' },
  });
});
