import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ReportDocument } from '@bitwright/analyze';
import type { Explanation, Inspection, SweepDocument } from 'bitwright';
import { describe, expect, it } from 'vitest';
import { bitwright, MNIST, temporaryFolder } from '../support/cli.js';

const folder = temporaryFolder();
const model = join(MNIST, 'resnet8_ce.onnx');
const card = join(MNIST, 'calibration.json');

type ErrorDocument = { error: { code: string; message: string; hint: string } };

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const good = file(
  'good.ts',
  `import { anyValue, defineBackend, definePlugin, defineRule, op, reject, type Observer } from 'bitwright/plugin';
  const widest: Observer = {
    name: 'widest',
    description: 'the whole range, doubled',
    range: ({ histogram }) => ({ low: 2 * Math.min(0, histogram.min), high: 2 * histogram.max }),
  };
  export default definePlugin({
    name: 'good',
    apiVersion: 1,
    rules: [defineRule({
      name: 'good/flatten-to-reshape',
      match: op('Flatten', anyValue.as('x')).as('flatten'),
      where: ({ flatten }) => flatten.attributes.int('axis', 1) === 1 || reject('GOOD_AXIS', 'only axis 1'),
      rewrite: ({ flatten, x }, r) => { r.replace(flatten, r.op.Identity([r.op.Flatten([x], { axis: -3 })])); },
    })],
    backends: [defineBackend({
      name: 'good-device',
      description: 'convolutions only',
      entries: [{ pattern: ['Conv'], dtypes: [{ input: { bits: [8] }, weight: { bits: [8] }, output: { bits: [8] } }] }],
    })],
    observers: [widest],
    roundings: [{
      name: 'good-down', description: 'towards zero', needsStatistics: false,
      async round({ weights, columns, rows, groups }, _statistics, { scale, low, high }) {
        const codes = new Int32Array(weights.length);
        for (let i = 0; i < weights.length; i++) {
          const row = Math.floor(i / columns);
          const s = scale[scale.length === rows * groups ? row : 0]!;
          codes[i] = Math.max(low[row]!, Math.min(high[row]!, Math.trunc(weights[i]! / s)));
        }
        return { codes, scale };
      },
    }],
  });`,
);

const quantize = (...options: string[]) =>
  bitwright(
    'quantize',
    model,
    '-o',
    join(folder, 'out.onnx'),
    '--bits',
    '8',
    '--data',
    card,
    '--samples',
    '16',
    '--json',
    ...options,
  );

describe('a plugin', () => {
  it('reaches quantize: rules, table, observer and rounding', () => {
    const result = quantize(
      '--plugin',
      good,
      '--backend',
      'good-device',
      '--observer',
      'widest',
      '--rounding',
      'good-down',
    );
    expect(result.code, result.stderr).toBe(0);
    const document = result.json<{ backend: string; fusions: { rule: string }[] }>();
    expect(document).toMatchObject({ backend: 'good-device' });
    expect(document.fusions.map(({ rule }) => rule)).toContain('good/flatten-to-reshape');
  });

  it('reaches inspect and explain', () => {
    const { nodes } = bitwright('inspect', model, '--plugin', good, '--json').json<Inspection>();
    expect(nodes.find(({ opType }) => opType === 'Flatten')?.reason).toContain('good/flatten-to-reshape');
    const explained = bitwright(
      'explain',
      model,
      '/Flatten',
      '--plugin',
      good,
      '--backend',
      'good-device',
      '--json',
    );
    const { rules, table } = explained.json<Explanation>();
    expect(rules.find(({ rule }) => rule === 'good/flatten-to-reshape')?.outcome).toBe('matches');
    expect(table.backend).toBe('good-device');
  });

  it('reaches sweep: its table, observer and rules; another plugin is another sweep', () => {
    const run = (...options: string[]) =>
      bitwright(
        ...['sweep', model, '--bits', '8', '--method', 'fast', '--data', card, '--samples', '16'],
        ...['--eval', join(MNIST, 'evaluation.json'), '--eval-samples', '50'],
        ...['--report', join(folder, 'sweep'), '--json', ...options],
      );
    const result = run('--plugin', good, '--backend', 'good-device', '--observer', 'widest');
    expect(result.code, result.stderr).toBe(0);
    expect(result.json<SweepDocument>().runs[0]).toMatchObject({ bits: 'W8A8', total: 50 });
    const report = JSON.parse(readFileSync(join(folder, 'sweep/report.json'), 'utf8')) as ReportDocument;
    expect(report.models[0]!.variants[0]!.backend).toBe('good-device');
    const sources = report.models[0]!.explanations!.nodes.flatMap(({ madeOf }) => madeOf);
    expect(sources.map(({ reason }) => reason).join()).toContain('good/flatten-to-reshape');
    const resumed = run('--plugin', good, '--backend', 'good-device', '--observer', 'min-max', '--resume');
    expect(resumed.json<ErrorDocument>().error.code).toBe('SWEEP_FOLDER_OTHER');
    expect(run('--backend', 'good-device').json<ErrorDocument>().error.code).toBe('BACKEND_UNKNOWN');
  });

  it('is loaded by a configuration file too, from a path relative to that', () => {
    const config = file('bitwright.config.json', JSON.stringify({ bits: '8', plugins: ['./good.ts'] }));
    const result = quantize('--config', config, '--observer', 'widest');
    expect(result.code, result.stderr).toBe(0);
  });
});

describe('a bad plugin is a coded error', () => {
  const plugin = (name: string, body: string) =>
    file(
      `${name}.ts`,
      `import { anyValue, definePlugin, defineRule, op } from 'bitwright/plugin'; const name = '${name}'; ${body}`,
    );
  const failing = (...paths: string[]) => {
    const out = join(folder, 'none.onnx');
    const result = bitwright(
      ...['quantize', model, '-o', out, '--bits', '8', '--data', card, '--samples', '8', '--json'],
      ...paths.flatMap((path) => ['--plugin', path]),
    );
    expect(existsSync(out)).toBe(false);
    expect(result.code).toBe(1);
    return result.json<ErrorDocument>().error;
  };

  it('of the wrong version', () => {
    expect(failing(plugin('old', 'export default definePlugin({ name, apiVersion: 99 });'))).toMatchObject({
      code: 'PLUGIN_API',
      message: expect.stringMatching(/'old' is written for version 99 .* this is version 1.*old\.ts/s),
    });
  });

  it('that cannot be loaded, or is none', () => {
    expect(failing('./nowhere.ts').code).toBe('PLUGIN_UNLOADABLE');
    expect(failing('no-such-package').message).toContain("'no-such-package' cannot be loaded");
    expect(failing(plugin('broken', 'throw new Error("no luck");')).message).toContain('no luck');
    expect(failing(plugin('empty', 'export const nothing = name;')).code).toBe('PLUGIN_INVALID');
    const typo = failing(plugin('typo', 'export default { name, apiVersion: 1, rule: [] };'));
    expect(typo).toMatchObject({ code: 'PLUGIN_INVALID', hint: "Did you mean 'rules'?" });
    const half = failing(plugin('half', "export default { name, apiVersion: 1, rules: [{ name: 'x' }] };"));
    expect(half.message).toContain("without 'pattern' at rules[0]");
  });

  it('with a name that exists: both sources are named', () => {
    const rule = (of: string) =>
      `const rule = defineRule({ name: '${of}', match: op('Relu', anyValue), rewrite: () => undefined }); export default definePlugin({ name, apiVersion: 1, rules: [rule] });`;
    const shipped = failing(plugin('first', rule('drop-identity')));
    expect(shipped).toMatchObject({
      code: 'PLUGIN_NAME_TAKEN',
      message: "The rule 'drop-identity' comes from Bitwright itself and from the plugin 'first'.",
    });
    const twice = failing(plugin('one', rule('mine')), plugin('two', rule('mine')));
    expect(twice.message).toBe("The rule 'mine' comes from the plugin 'one' and from the plugin 'two'.");
    expect(failing(good, good).message).toMatch(
      /The plugin 'good' comes from .* number 1 and from .* number 2/,
    );
  });

  it('that fails while it runs: the plugin and the rule are named', () => {
    const thrower = plugin(
      'thrower',
      `const rule = defineRule({ name: 'thrower/rule', match: op('Relu', anyValue.as('x')), rewrite: () => { throw new Error('oh'); } });
       export default definePlugin({ name, apiVersion: 1, rules: [rule] });`,
    );
    expect(failing(thrower)).toMatchObject({
      code: 'RULE_FAILED',
      message: expect.stringContaining("The rule 'thrower/rule' of the plugin 'thrower' failed at"),
    });
    const mute = plugin(
      'mute',
      `export default definePlugin({ name, apiVersion: 1, observers: [{ name: 'mute', description: '', range: () => ({ low: NaN, high: 1 }) }] });`,
    );
    const result = quantize('--plugin', mute, '--observer', 'mute');
    expect(result.json<{ error: object }>().error).toMatchObject({
      code: 'PLUGIN_FAILED',
      message: expect.stringContaining("The observer 'mute' of the plugin 'mute' failed"),
    });
  });
});
