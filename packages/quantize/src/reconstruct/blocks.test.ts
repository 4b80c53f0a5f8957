import { expect, it } from 'vitest';
import { preparedModel } from '../../test/prepared-model.js';
import { type Block, planBlocks } from './blocks.js';

const CONV = (y: string, x: string): string => `${y} = Conv<pads=[1,1,1,1]>(${x}, w_${y}, b_${y})`;
const initializers = (names: readonly string[]): string =>
  names
    .flatMap((name) => [
      `float[2,2,3,3] w_${name} = {${Array(36).fill('0.5')}}`,
      `float[2] b_${name} = {1.0, 2.0}`,
    ])
    .join(', ');
const graphOf = (names: readonly string[], body: string): string =>
  `g (float[N,2,8,8] x) => (float[N,2,8,8] y) <${initializers(names)}> { ${body} }`;

const shown = (blocks: readonly Block[]): string[] =>
  blocks.map(({ input, output, layers }) => `${input.name} ${layers.length} ${output.name}`);

const RESIDUAL = graphOf(
  ['a', 'b', 'c', 'd', 'e'],
  `${CONV('a', 'x')} ra = Relu(a)
   ${CONV('b', 'ra')} rb = Relu(b) ${CONV('c', 'rb')} s = Add(c, ra) rs = Relu(s)
   ${CONV('d', 'rs')} rd = Relu(d) ${CONV('e', 'rd')} t = Add(e, rs) y = Relu(t)`,
);

it.each(['academic', 'integer-only'])('takes a residual block as a whole (%s)', (backend) => {
  const blocks = planBlocks(preparedModel(RESIDUAL, { backend }));
  expect(shown(blocks).map((text) => text.replace('_float', ''))).toEqual(['x 1 ra', 'ra 2 rs', 'rs 2 y']);
  expect(blocks.every(({ from, input }) => from === input)).toBe(true);
});

it('knows the quantizers of a block: those on its input, and not those on its output', () => {
  const blocks = planBlocks(preparedModel(RESIDUAL, { backend: 'integer-only' }));
  const read = blocks[1]!.quantizers.map((node) => node.inputs[0]!.name).sort();
  expect(read).toEqual(['c', 'ra', 'rb']);
});

it('takes three layers of a chain together', () => {
  const names = ['a', 'b', 'c', 'd', 'y'];
  const body = names.map((name, i) => CONV(name, names[i - 1] ?? 'x')).join(' ');
  const blocks = planBlocks(preparedModel(graphOf(names, body), { backend: 'academic' }));
  expect(shown(blocks)).toEqual(['x 3 c', 'c 2 y_float']);
});

it('takes layers one by one where nothing lies behind them that all data passes', () => {
  const text = `g (float[N,2,8,8] x) => (float[N,2,8,8] y, float[N,2,8,8] z) <${initializers(['a', 'y', 'z'])}> {
    ${CONV('a', 'x')} r = Relu(a) ${CONV('y', 'r')} ${CONV('z', 'r')} }`;
  const blocks = planBlocks(preparedModel(text, { backend: 'academic' }));
  expect(shown(blocks)).toEqual(['x 1 r', 'r 1 y_float', 'r 1 z_float']);
  expect(blocks.map(({ from }) => from.name)).toEqual(['x', 'r', 'r']);
});
