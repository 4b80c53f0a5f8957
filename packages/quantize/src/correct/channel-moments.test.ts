import { constantTensor, type Value } from '@bitwright/graph';
import { expect, it } from 'vitest';
import { model, producerOf } from '../../test/prepared-model.js';
import { ChannelMoments, statedMoments } from './channel-moments.js';
import { clippedNormal } from './clipped-normal.js';
import { expectedInputs } from './expected-inputs.js';

const NORMALIZATION = `float[2] gamma = {1, -2}, float[2] beta = {0.5, 3}, float[2] mean = {9, 9}, float[2] var = {4, 4}`;

function momentsOf(body: string, type = 'float[N,2,4,4] x') {
  const module =
    model(`g (${type}) => (float y) <${NORMALIZATION}, float[2,2,3,3] w = {${Array(36).fill(1).join(',')}},
    float[2,1,1,1] v = {1,1}, float[3,8] u = {${Array(24).fill(1).join(',')}}, float[3] b = {0,0,0}, float zero = {0}, float six = {6}> { ${body} }`);
  const moments = new ChannelMoments(module.graph, statedMoments(module));
  return { module, moments, of: (name: string) => moments.of(module.graph.findValue(name) as Value) };
}

const BN = 'n = BatchNormalization(x, gamma, beta, mean, var)';
const CHANNELS = [
  { mean: 0.5, deviation: 1 },
  { mean: 3, deviation: 2 },
];

it('takes from a batch normalization what it states, whatever it measured while training', () => {
  const { of } = momentsOf(`${BN} y = Relu(n)`);
  expect(of('n')).toEqual({ mean: Float64Array.of(0.5, 3), deviation: Float64Array.of(1, 2) });
  expect(of('x')).toBeUndefined();
});

it.each([
  ['Relu(n)', 0, Number.POSITIVE_INFINITY],
  ['Clip(n, zero, six)', 0, 6],
])('clips a normal variable at %s', (operator, low, high) => {
  const { of } = momentsOf(`${BN} y = ${operator}`);
  expect([...of('y')!.mean]).toEqual(CHANNELS.map((channel) => clippedNormal(channel, low, high).mean));
});

it('adds means of both operands, and their variances', () => {
  const { of } = momentsOf(`${BN} m = Identity(n) y = Add(n, m)`);
  expect([...of('y')!.mean]).toEqual([1, 6]);
  expect([...of('y')!.deviation!]).toEqual([Math.hypot(1, 1), Math.hypot(2, 2)]);
});

it.each([
  ['Sigmoid(n)', 'what it has no formula for'],
  ['MaxPool<kernel_shape=[2,2]>(n)', 'a largest value'],
  ['AveragePool<kernel_shape=[2,2], pads=[1,1,1,1]>(n)', 'padding'],
])('knows nothing behind %s: %s', (operator) => {
  expect(momentsOf(`${BN} y = ${operator}`).of('y')).toBeUndefined();
});

it('knows the mean and no deviation behind a mean', () => {
  const { of } = momentsOf(`${BN} p = GlobalAveragePool(n) y = Relu(p)`);
  expect(of('p')).toEqual({ mean: Float64Array.of(0.5, 3), deviation: undefined });
  expect(of('y')).toBeUndefined();
});

it('follows a rescaled and shifted channel', () => {
  const { of, moments, module } = momentsOf(`${BN} y = Relu(n)`);
  const value = module.graph.findValue('n')!;
  moments.map(
    value,
    (channel) => [2, -1][channel]!,
    (channel) => [1, 0][channel]!,
  );
  expect(of('n')).toEqual({ mean: Float64Array.of(2, -3), deviation: Float64Array.of(2, 2) });
});

it('expects at each tap of a kernel what does not lie on padding', () => {
  const { module, moments } = momentsOf(`${BN} y = Conv<pads=[1,1,1,1]>(n, w)`);
  producerOf(module, 'n').output.type = { kind: 'tensor', dtype: 'float', shape: ['N', 2, 4, 4] };
  const columns = expectedInputs(module.graph, moments).get(producerOf(module, 'y'));
  const edge = 3 / 4;
  const shares = [edge * edge, edge, edge * edge, edge, 1, edge, edge * edge, edge, edge * edge];
  expect([...(columns as Float64Array)]).toEqual([
    ...shares.map((share) => 0.5 * share),
    ...shares.map((share) => 3 * share),
  ]);
});

it('expects of a depthwise layer its own channels, and of flattened channels each at all of its places', () => {
  const { module, moments } = momentsOf(
    `${BN} d = Conv<group=2>(n, v) p = AveragePool<kernel_shape=[2,2], strides=[2,2]>(n) f = Flatten(p) y = Gemm<transB=1>(f, u, b)`,
  );
  producerOf(module, 'p').output.type = { kind: 'tensor', dtype: 'float', shape: ['N', 2, 2, 2] };
  producerOf(module, 'f').output.type = { kind: 'tensor', dtype: 'float', shape: ['N', 8] };
  const expected = expectedInputs(module.graph, moments);
  expect(expected.get(producerOf(module, 'd'))).toEqual(Float64Array.of(0.5, 3));
  expect(expected.get(producerOf(module, 'y'))).toEqual(Float64Array.of(0.5, 0.5, 0.5, 0.5, 3, 3, 3, 3));
});

it('says why it expects nothing', () => {
  const { module, moments } = momentsOf('y = Conv(x, w)');
  expect(constantTensor(producerOf(module, 'y').inputs[1])).toBeDefined();
  expect(expectedInputs(module.graph, moments).get(producerOf(module, 'y'))).toBe(
    "no batch normalization states the mean of its input 'x'",
  );
});
