import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { moduleArbitrary } from '../test/random-module.js';
import { allOrNothing } from './edit-log.js';
import type { GraphModule } from './graph-module.js';
import { lint } from './lint.js';
import type { Node, OpNode } from './node.js';
import { parseModule } from './text/parse-module.js';
import { printModule } from './text/print-module.js';

const STOP = new Error('stop');

/** Edits, throws, and says whether all is as it was. */
function undone(module: GraphModule, edit: () => void): void {
  const before = printModule(module);
  const nodes = [...module.graph.nodes()];
  expect(() =>
    allOrNothing(() => {
      edit();
      throw STOP;
    }),
  ).toThrow(STOP);
  expect(printModule(module)).toBe(before);
  expect([...module.graph.nodes()]).toEqual(nodes);
  lint(module);
}

const model = () =>
  parseModule(`<ir_version: 8, opset_import: ["" : 13]> g (float[4] x, bool c) => (float[4] y, float[4] z) <float[4] w = {1, 2, 3, 4}> {
    a = Add<k = 1>(x, w) y = Relu(a)
    z = If(c) <then_branch = t () => (float u) { u = Neg(a) }, else_branch = e () => (float v) { v = Abs(x) }>
  }`);

const byType = (module: GraphModule, opType: string) =>
  [...module.graph.allOps()].find((node) => node.opType === opType) as OpNode;

describe('allOrNothing', () => {
  it('takes back every kind of edit', () => {
    const module = model();
    const { graph } = module;
    undone(module, () => graph.placeholder('new'));
    undone(module, () => graph.rename(byType(module, 'Add').output, 'other'));
    undone(module, () => {
      const { output } = byType(module, 'Relu');
      output.type = undefined;
    });
    undone(module, () => {
      byType(module, 'Add').attributes = byType(module, 'Add').attributes.with({ k: 2 });
    });
    undone(module, () => byType(module, 'Add').setInput(3, graph.inputs[0]));
    undone(module, () => byType(module, 'Add').truncateInputs(1));
    undone(module, () => graph.setOutputs([byType(module, 'Relu').output]));
    undone(module, () => {
      const made = graph.createOp({
        opType: 'Exp',
        inputs: [graph.inputs[0]],
        before: byType(module, 'Add'),
      });
      byType(module, 'Relu').output.replaceAllUsesWith(made.output);
      graph.eraseNode(byType(module, 'Relu'));
      graph.rename(made.output, 'y');
    });
    undone(module, () => {
      graph.setOutputs([]);
      graph.eliminateDeadCode();
      for (const node of [...graph.placeholders]) graph.eraseNode(node);
      expect(graph.nodeCount).toBe(1);
    });
  });

  it('gives bodies back to the node that owned them', () => {
    const module = model();
    undone(module, () => {
      const branch = byType(module, 'If');
      branch.attributes = branch.attributes.with({ then_branch: undefined });
    });
    expect(byType(module, 'Neg').inputs[0]?.name).toBe('a');
  });

  it('keeps what succeeds, and takes back what lay inside of an outer failure', () => {
    const module = model();
    undone(module, () => allOrNothing(() => module.graph.placeholder('inner')));
    undone(module, () => {
      module.graph.placeholder('first');
      expect(() => undone(module, () => module.graph.placeholder('second'))).not.toThrow();
      expect(module.graph.inputs.map(({ name }) => name)).toEqual(['x', 'c', 'first']);
    });
    allOrNothing(() => module.graph.placeholder('kept'));
    expect(module.graph.inputs).toHaveLength(3);
  });

  it('takes back any series of edits of any model', () => {
    fc.assert(
      fc.property(moduleArbitrary, fc.array(fc.nat(), { maxLength: 12 }), (module, choices) => {
        undone(module, () => {
          for (const choice of choices) editSomewhere(module, choice);
        });
      }),
      { numRuns: 200 },
    );
  });
});

/** One legal edit, chosen by a number. */
function editSomewhere({ graph }: GraphModule, choice: number): void {
  const nodes: Node[] = [...graph.nodes()];
  const node = nodes[choice % nodes.length]!;
  const ops = [...graph.ops()];
  const op = ops[choice % Math.max(1, ops.length)];
  switch (choice % 5) {
    case 0:
      graph.createOp({ opType: 'Relu', inputs: node.outputs.slice(0, 1) });
      break;
    case 1:
      if (node.kind !== 'output' && node.outputs.every(({ uses }) => uses.size === 0)) graph.eraseNode(node);
      break;
    case 2:
      graph.eliminateDeadCode();
      break;
    case 3:
      for (const value of node.outputs) graph.rename(value, graph.freshName(value.name));
      break;
    default:
      op?.setInput(op.inputs.length, undefined);
  }
}
