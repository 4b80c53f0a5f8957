import { Graph, type OpNode } from '@bitwright/graph';
import { expect, it } from 'vitest';
import { model } from '../test/prepared-model.js';
import { formatBits, parseBits, type QConfig, type QConfigMapping, QConfigResolver } from './qconfig.js';

const BASE: QConfig = {
  weights: 8,
  activations: 8,
  symmetricWeights: true,
  perChannel: true,
  symmetricActivations: false,
  reduceRange: false,
  powerOfTwo: false,
  bias: 'int32',
};

const coded = (code: string, rest: object = {}) =>
  expect.objectContaining({ name: 'BitwrightError', code, ...rest });

function node(name: string, opType = 'Conv'): OpNode {
  const graph = new Graph();
  return graph.createOp({ opType, name, inputs: [graph.placeholder('x').output] });
}

/** The widths that a node gets, as text. */
function bitsOf(
  mapping: QConfigMapping,
  name: string,
  opType = 'Conv',
  keepFloat: readonly string[] = [],
): string {
  const config = new QConfigResolver(BASE, mapping, keepFloat).forNode(node(name, opType));
  return config === undefined ? 'float' : formatBits(config);
}

it.each([
  ['W4A4', 4, 4],
  ['w2a8', 2, 8],
  ['W16A16', 16, 16],
  [' 8 ', 8, 8],
  ['3', 3, 3],
])('reads %s', (text, weights, activations) => {
  expect(parseBits(text)).toEqual({ weights, activations });
});

it('reads back what it writes', () => {
  for (const weights of [2, 3, 4, 5, 6, 7, 8, 16])
    for (const activations of [2, 3, 4, 5, 6, 7, 8, 16])
      expect(parseBits(formatBits({ weights, activations }))).toEqual({ weights, activations });
});

it.each(['W1A4', 'W4A1', 'W9A9', 'W8A32', '1', '0', '12'])('refuses the width in %s', (text) => {
  expect(() => parseBits(text)).toThrow(coded('BITS_INVALID', { kind: 'usage', at: { option: '--bits' } }));
  expect(() => parseBits(text)).toThrow(/asks for \d+ bits, which does not exist/);
});

it.each(['foo', '', 'W4', 'A4', 'W4A', '4.5', '-4', 'W4A4A4', 'A4W4', '4 4', '0x8', 'float'])(
  'does not take %j for widths',
  (text) => {
    expect(() => parseBits(text, 'mapping x')).toThrow(
      coded('BITS_INVALID', { message: `'${text}' is not a bitwidth.`, at: { option: 'mapping x' } }),
    );
  },
);

it('gives everything the global widths where nothing is said', () => {
  expect(new QConfigResolver(BASE).forNode(node('conv'))).toEqual(BASE);
});

it('prefers the exact name, then pattern, then operator type, then the global widths', () => {
  const mapping: QConfigMapping = {
    names: { 'layer1.*': 'W6A6', 'layer1.conv': 'W5A5', '/^layer2\\.[0-9]+$/': 'W3A3' },
    opTypes: { Conv: 'W4A4' },
  };
  expect(bitsOf(mapping, 'layer1.conv')).toBe('W5A5');
  expect(bitsOf(mapping, 'layer1.other')).toBe('W6A6');
  expect(bitsOf(mapping, 'layer2.17')).toBe('W3A3');
  expect(bitsOf(mapping, 'layer2.x')).toBe('W4A4');
  expect(bitsOf(mapping, 'layer2.x', 'Gemm')).toBe('W8A8');
});

it('lets a tensor say more than its layer', () => {
  const resolver = new QConfigResolver(BASE, {
    tensors: { logits: 'float', hidden: 'W8A2' },
    opTypes: { Conv: 'W4A4' },
  });
  const layer = resolver.forNode(node('conv'))!;
  expect(resolver.forTensor('logits', layer)).toBeUndefined();
  expect(resolver.forTensor('hidden', layer)?.activations).toBe(2);
  expect(resolver.forTensor('other', layer)).toBe(layer);
});

it('takes the first of several patterns that match', () => {
  expect(bitsOf({ names: { 'a*': 'W2A2', 'ab*': 'W3A3' } }, 'abc')).toBe('W2A2');
  expect(bitsOf({ names: { 'ab*': 'W3A3', 'a*': 'W2A2' } }, 'abc')).toBe('W3A3');
});

it('keeps float what it is told to, by name or glob, over an exact width and over the operator type', () => {
  expect(bitsOf({ names: { conv: 'W4A4' } }, 'conv', 'Conv', ['conv'])).toBe('float');
  expect(bitsOf({ opTypes: { Conv: 'W4A4' } }, 'block.conv', 'Conv', ['block.*'])).toBe('float');
  expect(bitsOf({ opTypes: { Conv: 'float' } }, 'conv')).toBe('float');
  expect(bitsOf({ opTypes: { Conv: 'float' }, names: { conv: '4' } }, 'conv')).toBe('W4A4');
});

it.each([
  ['layer?.conv', 'layer1.conv', true],
  ['layer?.conv', 'layer12.conv', false],
  ['*', 'anything/at.all', true],
  ['a.b*', 'axb', false],
  ['a+b*', 'a+bc', true],
  ['*conv', 'conv.0', false],
  ['/conv1/Conv', '/conv1/Conv', true],
  ['/layers/conv/', '/layers/conv/', true],
  ['/conv/', 'my_conv_1', false],
  ['/con(v|w)/', 'my_conw_1', true],
  ['conv[0]', 'conv[0]', true],
])('the name %s and the node %s: %s', (key, name, matches) => {
  expect(bitsOf({ names: { [key]: 'W2A2' } }, name)).toBe(matches ? 'W2A2' : 'W8A8');
});

it('calls an unnamed node by its first output', () => {
  const graph = new Graph();
  const unnamed = graph.createOp({
    opType: 'Conv',
    inputs: [graph.placeholder('x').output],
    outputs: [{ name: 'y' }],
  });
  expect(new QConfigResolver(BASE, { names: { y: 'W2A2' } }).forNode(unnamed)?.weights).toBe(2);
});

it('says which override is not a width, and which is not an expression', () => {
  expect(() => new QConfigResolver(BASE, { opTypes: { Conv: 'W9A9' } })).toThrow(
    coded('BITS_INVALID', { at: { option: 'mapping Conv' } }),
  );
  expect(() => new QConfigResolver(BASE, { names: { '/conv(/': '4' } })).toThrow(
    coded('MAPPING_PATTERN_INVALID', { kind: 'usage', message: expect.stringContaining('/conv(/') }),
  );
});

it('lists every pair of widths that may come', () => {
  const resolver = new QConfigResolver(
    BASE,
    { names: { conv: '4', 'a*': '3' }, opTypes: { Gemm: 'W2A8' }, tensors: { t: '16', u: 'float' } },
    ['head'],
  );
  expect(new Set(resolver.allBits().map(formatBits))).toEqual(
    new Set(['W8A8', 'W4A4', 'W3A3', 'W2A8', 'W16A16']),
  );
});

const NETWORK = `g (float[1,2,4,4] x) => (logits) <float[2,2,1,1] w = {1,2,3,4}> {
  [conv1] a = Conv(x, w) [act] b = Relu(a) [conv2] c = Conv(b, w) [short] s = Conv(a, w)
  [add] d = Add(c, s) [fc] logits = Conv(d, w)
}`;

/** The weights' widths of each node of the network. */
function widthsIn(mapping: QConfigMapping): Record<string, number | 'float'> {
  const { graph } = model(NETWORK);
  const resolver = new QConfigResolver(BASE, mapping);
  resolver.assertAllUsed(graph);
  return Object.fromEntries(
    [...graph.ops()].map((one) => [one.name, resolver.forNode(one)?.weights ?? ('float' as const)]),
  );
}

it('is content when every override matches something', () => {
  const mapping = {
    names: { conv1: '4', 'conv*': '4', 'co*': '2' },
    opTypes: { Conv: '3' },
    tensors: { x: '8' },
  };
  expect(widthsIn(mapping)).toEqual({ conv1: 4, act: 8, conv2: 4, short: 3, add: 8, fc: 3 });
});

it('chooses the first and the last layer with weights, by depth, and by predicate', () => {
  expect(widthsIn({ first: '2', last: 'float' })).toMatchObject({ conv1: 2, act: 8, conv2: 8, fc: 'float' });
  expect(widthsIn({ depths: { 1: '3' } })).toEqual({ conv1: 3, act: 3, conv2: 8, short: 8, add: 8, fc: 8 });
  expect(widthsIn({ depths: { '2..': '5', '-1': '6' } })).toMatchObject({
    conv1: 8,
    conv2: 5,
    add: 5,
    fc: 5,
  });
  expect(widthsIn({ depths: { '-1': '6', '..-2': '5' } })).toMatchObject({ conv1: 5, short: 5, fc: 6 });
  const select = [
    {
      name: 'joins',
      where: ({ inputs }: OpNode) => inputs.every((value) => value?.producer.kind === 'op'),
      config: '4',
    },
  ];
  expect(widthsIn({ select })).toMatchObject({ conv1: 8, act: 4, add: 4 });
});

it('prefers names, then patterns, predicates, first and last, depth, operator types', () => {
  const select = [{ name: 'all', where: () => true, config: '5' }];
  const everything: QConfigMapping = {
    names: { conv1: '2', 'conv*': '3' },
    select,
    first: '6',
    depths: { '1..': '7' },
    opTypes: { Conv: '16' },
  };
  const { names: _names, ...noNames } = everything;
  const { select: _select, ...noPredicate } = noNames;
  const { first: _first, ...noPlace } = noPredicate;
  const { depths: _depths, ...noDepth } = noPlace;
  const found = [everything, noNames, noPredicate, noPlace, noDepth].map(
    (mapping) => widthsIn(mapping)['conv1'],
  );
  expect(found).toEqual([2, 5, 6, 7, 16]);
});

it('gives layers more than widths', () => {
  const resolver = new QConfigResolver(BASE, {
    opTypes: { Conv: { weights: 'affine', granularity: 'per-tensor', bias: 'int8', powerOfTwo: true } },
  });
  expect(resolver.forNode(node('conv'))).toEqual({
    ...BASE,
    symmetricWeights: false,
    perChannel: false,
    bias: 'int8',
    powerOfTwo: true,
  });
  const wrong = (override: object) => () => new QConfigResolver(BASE, { opTypes: { Conv: override } });
  expect(wrong({ wieghts: 'affine' })).toThrow(coded('MAPPING_VALUE', { hint: "Did you mean 'weights'?" }));
  expect(wrong({ weights: 'afine' })).toThrow(coded('MAPPING_VALUE', { hint: "Did you mean 'affine'?" }));
  expect(wrong({ bias: 'int64' })).toThrow(coded('MAPPING_VALUE'));
});

it.each([
  [{ names: { conv3: '4' } }, 'conv3', 'node', "Did you mean 'conv1'?"],
  [{ names: { 'head*': '4' } }, 'head*', 'node', undefined],
  [{ opTypes: { Convv: '4' } }, 'Convv', 'operator type', "Did you mean 'Conv'?"],
  [{ tensors: { logitss: 'float' } }, 'logitss', 'tensor', "Did you mean 'logits'?"],
  [{ depths: { 7: '4' } }, '7', 'depth', 'Its layers with weights have depths 1 to 3.'],
  [{ select: [{ name: 'none', where: () => false, config: '4' }] }, 'none', 'node', 'Look at the predicate.'],
] as const)('refuses an override that matches nothing: %j', (mapping, key, kind, hint) => {
  expect(() => widthsIn(mapping)).toThrow(
    coded('MAPPING_UNMATCHED', {
      message: `The override '${key}' matches no ${kind} of the model.`,
      at: { option: key },
      ...(hint !== undefined && { hint }),
    }),
  );
});

it('refuses what is no depth, and first or last in a model without layers', () => {
  for (const key of ['', '..', 'two', '1.5'])
    expect(() => new QConfigResolver(BASE, { depths: { [key]: '4' } })).toThrow(
      coded('MAPPING_PATTERN_INVALID'),
    );
  const { graph } = model('g (float[1] x) => (y) { y = Relu(x) }');
  expect(() => new QConfigResolver(BASE, { first: '4' }).assertAllUsed(graph)).toThrow(
    coded('MAPPING_UNMATCHED', { hint: 'It has no layers with constant weights.' }),
  );
});

it('refuses a name to keep float that the model does not have', () => {
  const { graph } = model(NETWORK);
  const resolver = new QConfigResolver(BASE, {}, ['nowhere']);
  expect(() => resolver.assertAllUsed(graph)).toThrow(coded('MAPPING_UNMATCHED'));
});
