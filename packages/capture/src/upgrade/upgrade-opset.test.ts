import { BitwrightError, floatTensor } from '@bitwright/core';
import { Graph, GraphModule, lint, type OpInit } from '@bitwright/graph';
import { float16ToFloat32, type NodeProto } from '@bitwright/onnx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LATEST_OPSET } from '../versions.js';
import { ADAPTERS } from './adapters.js';
import { OPSET_HISTORY } from './opset-history.generated.js';
import { float16Bits } from './scalars.js';
import { upgradeOpset } from './upgrade-opset.js';

function moduleOf(
  opset: number,
  op: Omit<OpInit, 'inputs'>,
  shape: readonly number[] | undefined = [2, 3, 4],
) {
  const graph = new Graph('main');
  const x = graph.placeholder('x', { kind: 'tensor', dtype: 'float', shape }).output;
  const node = graph.createOp({ outputs: [{ name: 'y' }], ...op, inputs: [x] });
  graph.setOutputs([node.output]);
  const module = new GraphModule(graph);
  module.opsets.set('', opset);
  module.irVersion = 3;
  return module;
}

const opTypes = (module: GraphModule) => [...module.graph.ops()].map(({ opType }) => opType);

describe('the table of adapters', () => {
  it('covers every change since opset 7 that breaks old nodes', () => {
    const uncovered = Object.entries(OPSET_HISTORY).flatMap(([opType, { breaking }]) =>
      breaking
        .filter((version) => version >= 7 && ADAPTERS[opType]?.[version] === undefined)
        .map((version) => `${opType}-${version}`),
    );
    expect(uncovered).toEqual([]);
  });

  it('has no adapter for a version at which its operator did not change', () => {
    const idle = Object.entries(ADAPTERS).flatMap(([opType, adapters]) =>
      Object.keys(adapters)
        .filter((version) => !OPSET_HISTORY[opType]?.versions.includes(Number(version)))
        .map((version) => `${opType}-${version}`),
    );
    expect(idle).toEqual([]);
  });
});

describe('upgradeOpset', () => {
  it.each([
    [13, 7],
    [21, 10],
    [25, 13],
    [LATEST_OPSET, 14],
  ])('to %i raises the IR version to %i', (target, irVersion) => {
    const module = moduleOf(9, { opType: 'Relu' });
    expect(upgradeOpset(module, target)).toMatchObject({ from: 9, to: target, adapted: 0 });
    expect([module.opset, module.irVersion]).toEqual([target, irVersion]);
  });

  it('leaves a model alone that is new enough', () => {
    const module = moduleOf(21, { opType: 'Relu' });
    expect(upgradeOpset(module, 13)).toMatchObject({ from: 21, to: 21 });
    expect([module.opset, module.irVersion]).toEqual([21, 3]);
  });

  it('keeps names and types of results when it puts operators behind', () => {
    const module = moduleOf(9, { opType: 'Softmax', name: 'sm' });
    const type = { kind: 'tensor', dtype: 'float', shape: [2, 3, 4] } as const;
    module.graph.outputs[0]!.type = type;
    upgradeOpset(module, 13);
    lint(module, 'upgradeOpset');
    expect(opTypes(module)).toEqual(['Shape', 'Flatten', 'Softmax', 'Reshape']);
    expect(module.graph.outputs.map(({ name, type }) => ({ name, type }))).toEqual([{ name: 'y', type }]);
  });

  it('keeps a softmax single when its axis is the last, as far as ranks are known', () => {
    const module = moduleOf(9, { opType: 'Softmax', attributes: { axis: 2 } });
    upgradeOpset(module, 13);
    expect(opTypes(module)).toEqual(['Softmax']);
    const behindFlatten = moduleOf(9, { opType: 'Flatten', outputs: [{ name: 'rows' }] }, undefined);
    const { graph } = behindFlatten;
    graph.setOutputs([graph.createOp({ opType: 'Softmax', inputs: [graph.findValue('rows')] }).output]);
    upgradeOpset(behindFlatten, 13);
    expect(opTypes(behindFlatten)).toEqual(['Flatten', 'Softmax']);
  });

  it('upgrades bodies', () => {
    const body = new Graph('body');
    const module = moduleOf(9, { opType: 'If', attributes: { then_branch: { type: 'graph', value: body } } });
    const squeeze = { opType: 'Squeeze', attributes: { axes: [0] } };
    body.setOutputs([body.createOp({ ...squeeze, inputs: [module.graph.inputs[0]] }).output]);
    upgradeOpset(module, 13);
    lint(module, 'upgradeOpset');
    const [inner] = [...body.ops()];
    expect(inner?.inputs).toHaveLength(2);
    expect(inner?.inputs[1]?.producer.graph).toBe(body);
  });

  it.each(['float', 'double', 'float16'] as const)('writes bounds in the type of a %s input', (dtype) => {
    const module = moduleOf(9, { opType: 'Relu' });
    const { graph } = module;
    graph.inputs[0]!.type = { kind: 'tensor', dtype, shape: [2] };
    const min = { type: 'float', value: -1 } as const;
    const clip = graph.createOp({ opType: 'Clip', inputs: [graph.findValue('y')], attributes: { min } });
    graph.setOutputs([clip.output]);
    expect(upgradeOpset(module, 13).diagnostics).toEqual([]);
    expect(clip.inputs[1]?.dtype).toBe(dtype);
    expect(clip.inputs).toHaveLength(2);
  });

  it('warns when it has to guess an element type', () => {
    const graph = new Graph('main');
    const x = graph.placeholder('x').output;
    graph.setOutputs([graph.createOp({ opType: 'Clip', inputs: [x], attributes: { min: 0 } }).output]);
    const module = new GraphModule(graph);
    module.opsets.set('', 9);
    const clip = [...graph.ops()][0]!;
    clip.attributes = clip.attributes.with({ min: { type: 'float', value: 0 } });
    expect(upgradeOpset(module, 13).diagnostics).toMatchObject([{ code: 'OPSET_DTYPE_ASSUMED' }]);
  });

  it.each<[string, Omit<OpInit, 'inputs'>, number]>([
    [
      'statistics of training',
      { opType: 'BatchNormalization', outputs: [{ name: 'y' }, { name: 'mean' }] },
      9,
    ],
    ['a batched Scan', { opType: 'Scan' }, 8],
    ['a change before opset 7 that is not known', { opType: 'Tile' }, 1],
  ])('refuses %s', (_, op, opset) => {
    const module = moduleOf(opset, op);
    const mean = module.graph.findValue('mean');
    if (mean !== undefined) module.graph.setOutputs([mean]);
    const refusal = { code: 'OPSET_NO_PATH', message: expect.stringContaining(op.opType), at: { node: 'y' } };
    expect(() => upgradeOpset(module, 25)).toThrow(expect.objectContaining(refusal));
  });

  it('leaves an operator of later opsets alone, with a warning', () => {
    const module = moduleOf(9, { opType: 'LayerNormalization' });
    expect(upgradeOpset(module, 21).diagnostics).toMatchObject([{ code: 'OPSET_FOREIGN_OPERATOR' }]);
    expect([opTypes(module), module.opset]).toEqual([['LayerNormalization'], 21]);
  });

  it('refuses to change what the functions of the model mean', () => {
    const module = moduleOf(13, { opType: 'Relu' });
    const split = { opType: 'Split', input: ['a'], output: ['b', 'c'] };
    const relu = { opType: 'Relu', input: ['a'], output: ['b'] };
    const functionOf = (node: NodeProto) => ({
      name: 'F',
      domain: 'mine',
      opsetImport: [{ version: 13 }],
      node: [node],
    });
    module.origin = { functions: [functionOf(split)] };
    expect(() => upgradeOpset(module, 21)).toThrow(expect.objectContaining({ code: 'OPSET_NO_PATH' }));
    module.origin = { functions: [functionOf(relu)] };
    expect(upgradeOpset(module, 21).to).toBe(21);
  });

  it('refuses an opset that is not published', () => {
    const upgrade = () => upgradeOpset(moduleOf(9, { opType: 'Relu' }), 99);
    expect(upgrade).toThrow(expect.objectContaining({ code: 'OPSET_UNKNOWN', kind: 'usage' }));
    expect(upgrade).toThrow(BitwrightError);
  });

  it('aligns a broadcast of opset 6 at the axis that it names', () => {
    const module = moduleOf(6, { opType: 'Add', attributes: { broadcast: 1, axis: 1 } });
    const [add] = [...module.graph.ops()];
    const bias = module.graph.getAttr('b', floatTensor([1, 2, 3]), add!).output;
    add!.setInput(1, bias);
    upgradeOpset(module, 13);
    lint(module, 'upgradeOpset');
    expect(opTypes(module)).toEqual(['Unsqueeze', 'Add']);
    expect([...add!.attributes]).toEqual([]);
  });
});

describe('float16Bits', () => {
  it('is the inverse of reading half floats', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffff }), (bits) => {
        const value = float16ToFloat32(bits);
        expect(float16Bits(value)).toBe(Number.isNaN(value) ? 0x7e00 : bits);
      }),
      { numRuns: 2000 },
    );
  });

  it('rounds to the nearest, ties to even', () => {
    fc.assert(
      fc.property(fc.float({ min: -65504, max: 65504, noNaN: true }), (value) => {
        const bits = float16Bits(value);
        const error = Math.abs(float16ToFloat32(bits) - value);
        for (const neighbour of [bits - 1, bits + 1]) {
          const other = float16ToFloat32(neighbour & 0xffff);
          if (!Number.isFinite(other)) continue;
          const distance = Math.abs(other - value);
          expect(error < distance || (error === distance && bits % 2 === 0)).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
