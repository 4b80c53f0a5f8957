import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { decodeModel } from '@bitwright/onnx';
import type { Explanation, Inspection } from 'bitwright';
import { describe, expect, it } from 'vitest';
import { bitwright, MNIST, temporaryFolder } from '../support/cli.js';

const model = join(MNIST, 'resnet8_ce.onnx');
const folder = temporaryFolder();

const inspected = () => bitwright('inspect', model, '--json').json<Inspection>();

describe('explain', () => {
  it('says of a node what it becomes, and of every rule and entry with its operator how far it came', () => {
    const node = inspected().nodes.find(({ opType }) => opType === 'Add')!;
    const result = bitwright('explain', model, node.name, '--json');
    expect(result.stderr).toBe('');
    const explanation = result.json<Explanation>();
    expect(explanation.node).toEqual(node);
    expect(explanation.stage).toBe('fused');
    const concerned = explanation.rules.filter(({ concerns }) => concerns);
    expect(concerned.map(({ rule }) => rule)).toContain('fold-constant-into-conv');
    for (const { outcome, failed } of concerned)
      if (outcome === 'no-match') expect(failed).toMatchObject({ node: /./, needed: /./, found: /./ });
    expect(explanation.table.backend).toBe('onnxruntime-cpu');
    expect(explanation.table.entries.map(({ pattern }) => pattern)).toContain('Add+Relu');
    expect(explanation.nearest?.failed.needed).toMatch(/./);
  });

  it('explains nodes that a rule took before the rules, and says the same in words', () => {
    const taken = inspected().nodes.find(({ code }) => code === 'FUSED');
    const { name } = taken ?? inspected().nodes[0]!;
    const text = bitwright('explain', model, name).stdout;
    expect(text.split('\n')[0]).toContain(name);
    expect(text).toMatch(/entries of the table 'onnxruntime-cpu' with its operator: \d/);
  });

  it('knows every table, and refuses unknown nodes with the nearest name', () => {
    const { name } = inspected().nodes.find(({ opType }) => opType === 'Conv')!;
    const academic = bitwright('explain', model, name, '--scheme', 'academic', '--json').json<Explanation>();
    expect(academic.table).toMatchObject({
      backend: 'academic',
      entries: [{ pattern: 'Conv', outcome: 'claims' }],
    });
    const unknown = bitwright('explain', model, `${name}x`, '--json');
    expect(unknown.code).toBe(1);
    expect(unknown.json<{ error: object }>().error).toMatchObject({
      code: 'NODE_UNKNOWN',
      at: { node: `${name}x` },
    });
    expect(unknown.json<{ error: { hint: string } }>().error.hint).toContain(name);
    expect(bitwright('explain', model, name, '--backend', 'nobody').code).toBe(2);
  });
});

describe('inspect', () => {
  it('gives every operator of the file a fate with code and reason', () => {
    const { nodes, operators } = inspected();
    expect(nodes).toHaveLength(Object.values(operators).reduce((sum, count) => sum + count, 0));
    for (const { code, reason } of nodes) {
      expect(code).toMatch(/^(QUANTIZED|FUSED|REMOVED|FOLDED|FLOAT_[A-Z_]+)$/);
      expect(reason).not.toBe('');
    }
  });
});

it.each(['inspect', 'explain'])('%s never loads ONNX Runtime', (command) => {
  const { name } = inspected().nodes[0]!;
  const hook = `export async function resolve(specifier, context, next) {
    if (/onnxruntime/.test(specifier)) throw new Error('loaded ' + specifier);
    return next(specifier, context);
  }`;
  const register = `import { register } from 'node:module'; register('data:text/javascript,' + ${JSON.stringify(encodeURIComponent(hook))});`;
  const cli = resolve(import.meta.dirname, '../../packages/bitwright/bin/bitwright.js');
  const run = (...args: string[]) =>
    spawnSync(
      process.execPath,
      ['--import', `data:text/javascript,${encodeURIComponent(register)}`, cli, ...args],
      {
        encoding: 'utf8',
      },
    );
  expect(run(command, model, ...(command === 'explain' ? [name] : [])).stderr).toBe('');
  // The hook works: a command that runs models is stopped by it.
  expect(run('evaluate', model, '--data', join(MNIST, 'evaluation.json')).stderr).toContain(
    'loaded onnxruntime',
  );
});

it('--provenance keeps in the emitted file which rule made a node, and of which nodes', () => {
  const output = join(folder, 'kept.onnx');
  const options = ['--bits', '8', '--data', join(MNIST, 'calibration.json'), '--samples', '8'];
  expect(bitwright('quantize', model, '-o', output, ...options, '--provenance').code).toBe(0);
  const conv = decodeModel(readFileSync(output)).graph?.node?.find(({ name }) => name === '/conv/Conv');
  expect(conv?.metadataProps).toEqual([
    { key: 'bitwright.rule', value: 'fold-batch-norm-into-conv' },
    { key: 'bitwright.from', value: '["/bn/BatchNormalization","/conv/Conv"]' },
  ]);
});
