import { Graph, type OpNode } from '@bitwright/graph';
import { expect, it } from 'vitest';
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

it('is content when every override matched, wherever it was looked up or not', () => {
  const mapping = {
    names: { conv1: '4', 'conv*': '4', 'co*': '2' },
    opTypes: { Conv: '3' },
    tensors: { x: '8' },
  };
  const resolver = new QConfigResolver(BASE, mapping);
  resolver.forNode(node('conv1'));
  resolver.forNode(node('conv2'));
  resolver.assertAllUsed(['conv1', 'conv2'], ['x', 'y'], ['Conv', 'Relu']);
});

it.each([
  [{ names: { conv3: '4' } }, 'conv3', 'node', "Did you mean 'conv1'?"],
  [{ names: { 'head*': '4' } }, 'head*', 'node', undefined],
  [{ opTypes: { Convv: '4' } }, 'Convv', 'operator type', "Did you mean 'Conv'?"],
  [{ tensors: { logitss: 'float' } }, 'logitss', 'tensor', "Did you mean 'logits'?"],
] as const)('refuses an override that matches nothing: %j', (mapping, key, kind, hint) => {
  const resolver = new QConfigResolver(BASE, mapping);
  resolver.forNode(node('conv1'));
  expect(() => resolver.assertAllUsed(['conv1', 'fc'], ['logits', 'x'], ['Conv', 'Gemm'])).toThrow(
    coded('MAPPING_UNMATCHED', {
      message: `The override '${key}' matches no ${kind} of the model.`,
      at: { option: key },
      ...(hint !== undefined && { hint }),
    }),
  );
});

it('refuses a name to keep float that the model does not have', () => {
  const resolver = new QConfigResolver(BASE, {}, ['nowhere']);
  expect(() => resolver.assertAllUsed(['conv1'], ['x'], ['Conv'])).toThrow(coded('MAPPING_UNMATCHED'));
});
