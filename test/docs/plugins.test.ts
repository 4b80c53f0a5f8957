import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type OpNode, parseModule } from '@bitwright/graph';
import { matchPattern } from '@bitwright/rewrite';
import { expect, test } from 'vitest';
import { examples } from '../../docs/reference/matcher/examples.js';

const docs = resolve(import.meta.dirname, '../../docs');
const read = (path: string) => readFileSync(join(docs, path), 'utf8');
const blocks = (path: string) => [...read(path).matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code);

/** The operator that makes `name` in a graph of these nodes. */
function root(body: string, name = 'y'): OpNode {
  const { graph } = parseModule(
    `<ir_version: 8, opset_import: ["" : 17]> g (float[N,4,8,8] x, float[N,4,8,8] z) => (float y)
     <float[4,4,1,1] w = {1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16}, float[4] b = {1,2,3,4}, float two = {2}> { ${body} }`,
  );
  return graph.findValue(name)!.producer as OpNode;
}

test.each(examples.map((example) => [example.says, example] as const))('the matcher: %s', (_, example) => {
  const name = 'root' in example ? example.root : undefined;
  expect(matchPattern(example.pattern.data, root(example.fits, name))).toBeDefined();
  expect(matchPattern(example.pattern.data, root(example.misses, name))).toBeUndefined();
});

test('the page of the matcher shows the examples that are run', () => {
  expect(blocks('reference/matcher.md')).toEqual([read('reference/matcher/examples.ts')]);
});

test('the tutorial shows the files of the template, all of them', () => {
  const files = ['src/replace-add-of-neg.ts', 'test/replace-add-of-neg.test.ts', 'src/index.ts'];
  expect(blocks('tutorials/first-fusion-rule.md')).toEqual(
    files.map((file) => read(`plugin-template/${file}`)),
  );
});
