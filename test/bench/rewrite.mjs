// Time and memory of the rewriting engine on generated graphs; every figure is a ratio or stands beside its baseline.
// usage: npm run build && node test/bench/rewrite.mjs [NODES, 100000 by default]
// Times are CPU seconds of this process (garbage collection included), the least of several runs; wall time stands beside the
// first, since a machine that others use as well makes it longer.
import { spawnSync } from 'node:child_process';
import { DenseTensor, floatTensor } from '@bitwright/core';
import { fusionRules } from '@bitwright/fusions';
import { Graph, GraphModule } from '@bitwright/graph';
import { anyValue, applyRules, defineRule, foldConstants, op } from '@bitwright/rewrite';

if (globalThis.gc === undefined) {
  const flags = ['--expose-gc', '--max-semi-space-size=64', '--max-old-space-size=4096'];
  const { status } = spawnSync(process.execPath, [...flags, import.meta.filename, ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, NODE_PATH: '' },
  });
  process.exit(status ?? 1);
}

const large = Number(process.argv[2] ?? 100_000);
const small = large / 10;

/** A chain of residual blocks as exporters write them: ten operators each, of which rules take six. */
function network(nodes) {
  const module = new GraphModule(new Graph('g'));
  module.opsets.set('', 17);
  const { graph } = module;
  const type = { kind: 'tensor', dtype: 'float', shape: ['N', 2, 4, 4] };
  const one = (name, dims) =>
    graph.getAttr(name, floatTensor(new Array(dims.reduce((a, b) => a * b, 1)).fill(1), dims)).output;
  const make = (opType, name, inputs, attributes) =>
    graph.createOp({ opType, name, inputs, attributes, outputs: [{ name: `${name}.out`, type }] }).output;
  let x = graph.placeholder('x', type).output;
  for (let i = 0; i < nodes; i += 10) {
    const layer = `layer${i}`;
    const norm = (n) => ['scale', 'bias', 'mean', 'var'].map((part) => one(`${layer}.bn${n}.${part}`, [2]));
    const pads = graph.getAttr(
      `${layer}.pads`,
      new DenseTensor('int64', [8], BigInt64Array.of(0n, 0n, 1n, 1n, 0n, 0n, 1n, 1n)),
    ).output;
    const padded = make('Pad', `${layer}.pad`, [x, pads]);
    const first = make('Conv', `${layer}.conv1`, [padded, one(`${layer}.conv1.weight`, [2, 2, 3, 3])], {
      kernel_shape: [3, 3],
    });
    const normed = make('BatchNormalization', `${layer}.bn1`, [first, ...norm(1)]);
    const active = make('Relu', `${layer}.relu1`, [normed]);
    const dropped = make('Dropout', `${layer}.dropout`, [active]);
    const second = make('Conv', `${layer}.conv2`, [dropped, one(`${layer}.conv2.weight`, [2, 2, 1, 1])]);
    const scaled = make('Mul', `${layer}.scale`, [second, one(`${layer}.factor`, [2, 1, 1])]);
    const kept = make('Identity', `${layer}.identity`, [scaled]);
    const sum = make('Add', `${layer}.add`, [kept, x]);
    x = make('Relu', `${layer}.relu2`, [sum]);
  }
  graph.setOutputs([x]);
  return module;
}

/** Rules that never match: a third at operators that are not there, two thirds at those that are, before others or with other attributes. */
const strangers = Array.from({ length: 100 }, (_, i) => {
  const root = ['Conv', 'Add', 'Relu', 'Mul'][i % 4];
  const other = ['Sin', 'Gelu', 'LSTM', 'Resize', 'Softmax'][i % 5];
  const patterns = [
    () => op(other, op(root, anyValue).as('inner')),
    () => op(root, op(other, anyValue.as('x'))),
    () =>
      op(
        root,
        op(['Relu', 'Add', 'Conv', 'Dropout'][i % 4], op(other, anyValue)).where(() => true, 'anything'),
      ),
  ];
  const match = patterns[i % 3]().as('root');
  return defineRule({
    name: `stranger-${i}`,
    match,
    rewrite: () => {
      throw new Error('it matches');
    },
  });
});

function cpuSeconds(run) {
  globalThis.gc();
  const [start, before] = [performance.now(), process.cpuUsage()];
  const result = run();
  const { user, system } = process.cpuUsage(before);
  return { seconds: (user + system) / 1e6, wall: (performance.now() - start) / 1e3, result };
}

const fused = (nodes, rules) => {
  const module = network(nodes);
  foldConstants(module);
  return cpuSeconds(() => applyRules(module, rules));
};
const least = (times, measure) => Math.min(...Array.from({ length: times }, () => measure().seconds));

fused(small, fusionRules);
const first = fused(large, fusionRules);
const large3 = [first, fused(large, fusionRules), fused(large, fusionRules)];
const slow = Math.min(...large3.map(({ seconds }) => seconds));
const wall = Math.min(...large3.map((run) => run.wall));
const fast = least(8, () => fused(small, fusionRules));
console.log(`rules: ${fusionRules.length}; ${large} operators, ${first.result.applied.length} applications`);
console.log(
  `${large} operators: ${slow.toFixed(2)} s of the CPU, ${wall.toFixed(2)} s by the clock (to reach: under 2)`,
);
console.log(`${small} -> ${large} operators: factor ${(slow / fast).toFixed(1)} (to reach: at most 12)`);

const done = network(large);
foldConstants(done);
applyRules(done, fusionRules);
const idle = (rules, times = 7) => least(times, () => cpuSeconds(() => applyRules(done, rules)));
idle([...fusionRules, ...strangers], 2);
const with100 = Math.min(
  fused(large, [...fusionRules, ...strangers]).seconds,
  fused(large, [...fusionRules, ...strangers]).seconds,
);
console.log(`100 more rules that never match: ${percent(with100 / slow)} (to reach: under 25 %)`);
const [alone, together] = [idle(fusionRules), idle([...fusionRules, ...strangers])];
console.log(`the same where no rule matches at all: ${percent(together / alone)}, of ${alone.toFixed(3)} s`);
console.log(
  `a pass without a match: ${alone.toFixed(3)} s, ${(alone / slow).toFixed(2)} of the pass with matches`,
);

/** Bytes that a pass without a match allocates: the least of ten, since code that is being compiled meanwhile counts too. */
function allocated(module, rules) {
  const bytes = Array.from({ length: 10 }, () => {
    globalThis.gc();
    const before = process.memoryUsage().heapUsed;
    applyRules(module, rules);
    return process.memoryUsage().heapUsed - before;
  });
  return Math.min(...bytes);
}

const few = network(small);
foldConstants(few);
applyRules(few, fusionRules);
const count = (module) => [...module.graph.ops()].length;
for (const rules of [fusionRules, [...fusionRules, ...strangers]]) {
  const [less, more] = [allocated(few, rules), allocated(done, rules)];
  const each = ((more - less) / (count(done) - count(few))).toFixed(2);
  console.log(
    `${rules.length} rules without a match, ${count(few)} and ${count(done)} operators: ${each} bytes allocated for each more, and so at most that survive (to reach: 0)`,
  );
}

function percent(ratio) {
  return `${ratio < 1 ? '' : '+'}${(100 * (ratio - 1)).toFixed(0)} %`;
}
