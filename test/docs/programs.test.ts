import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { matchPattern } from '@bitwright/rewrite';
import { modelBuilder } from '@bitwright/testing';
import { beforeAll, describe, expect, it, test } from 'vitest';
import config from '../../docs/reference/programs/bitwright.config.js';
import { swish } from '../../docs/reference/programs/my-operators.js';
import { MNIST, temporaryFolder } from '../support/cli.js';

const root = resolve(import.meta.dirname, '../..');
const programs = join(root, 'docs/reference/programs');
const blocks = (path: string) =>
  [...readFileSync(join(root, path), 'utf8').matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code);

test.each([
  ['README.md', ['quantize.ts']],
  ['docs/reference/configuration.md', ['bitwright.config.ts', 'quantize-and-evaluate.ts']],
  ['docs/reference/plugins.md', ['my-operators.ts', 'quantize-with-plugins.ts']],
])('%s shows the files that are run', (page, files) => {
  expect(blocks(page)).toEqual(files.map((file) => readFileSync(join(programs, file), 'utf8')));
});

describe('a program of the documentation', () => {
  const folder = temporaryFolder();

  beforeAll(() => {
    copyFileSync(join(MNIST, 'resnet8_ce.onnx'), join(folder, 'model.onnx'));
    for (const [name, card] of [
      ['calibration.json', 'calibration.json'],
      ['test.json', 'evaluation.json'],
    ]) {
      const content = JSON.parse(readFileSync(join(MNIST, card!), 'utf8'));
      const files = content.files.map((file: string) => join(MNIST, file));
      writeFileSync(join(folder, name!), JSON.stringify({ ...content, files, take: 16 }));
    }
    const plugin = (name: string, from: string) =>
      `import { anyValue, definePlugin, defineRule, op } from 'bitwright/plugin';
       export default definePlugin({ name: '${name}', apiVersion: 1, rules: [defineRule({
         name: '${name}/${from}', match: op('${from}', anyValue.as('x')).as('node'),
         rewrite: ({ node, x }, r) => { r.replace(node, r.op.Identity([x], {}, { name: '${name}' })); } })] });`;
    writeFileSync(join(folder, 'my-fusions.ts'), plugin('mine', 'Tan'));
    const example = join(folder, 'node_modules/bitwright-plugin-example');
    mkdirSync(example, { recursive: true });
    symlinkSync(join(root, 'packages/bitwright'), join(folder, 'node_modules/bitwright'));
    writeFileSync(
      join(example, 'package.json'),
      JSON.stringify({ name: 'bitwright-plugin-example', type: 'module', exports: './index.js' }),
    );
    writeFileSync(join(example, 'index.js'), plugin('example', 'Cos'));
  });

  it.each([
    ['quantize.ts', /^\d+ bytes, \d+ layers$/],
    ['quantize-and-evaluate.ts', /^1[0-6]\/16, W4A4/],
    ['quantize-with-plugins.ts', /fold-batch-norm-into-conv/],
  ])('%s runs as it is', (name, printed) => {
    copyFileSync(join(programs, name), join(folder, name));
    const jiti = join(root, 'node_modules/jiti/lib/jiti-cli.mjs');
    const { status, stdout, stderr } = spawnSync(process.execPath, [jiti, name], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout.trim()).toMatch(printed);
  });

  it('knows the operators of a domain', () => {
    const { graph } = modelBuilder((m) => m.op('my.domain.Swish', [m.input('x', [2])], { beta: 1 }));
    const [node] = [...graph.ops()];
    expect(matchPattern(swish.data, node!)?.root).toBe(node);
  });

  it('is a configuration', () => {
    expect(config).toMatchObject({ bits: 'W4A4', mapping: { opTypes: { Gemm: 'W8A8' } } });
  });
});
