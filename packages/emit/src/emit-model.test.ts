import { DenseTensor, floatTensor, LazyTensor } from '@bitwright/core';
import { BITWRIGHT_DOMAIN, Graph, GraphModule, type OpInit } from '@bitwright/graph';
import { ATTRIBUTE_TYPE, decodeModel, ProtoTensor, tensorToProto } from '@bitwright/onnx';
import { describe, expect, it } from 'vitest';
import { emitFiles } from './emit-files.js';
import { emitBytes, emitModel } from './emit-model.js';

function moduleOf(op: Partial<OpInit> = {}): GraphModule {
  const graph = new Graph('main');
  const x = graph.placeholder('x', { kind: 'tensor', dtype: 'float', shape: ['N', 2, undefined] }).output;
  const w = graph.getAttr('w', floatTensor([1, 2])).output;
  const node = graph.createOp({ opType: 'Add', inputs: [x, w], outputs: [{ name: 'y' }], ...op });
  graph.setOutputs([node.output]);
  const module = new GraphModule(graph);
  module.opsets.set('', 13);
  module.irVersion = 8;
  return module;
}

describe('emitModel', () => {
  it('writes a module that no file had', () => {
    const module = moduleOf({
      attributes: { i: 3, f: 0.5, s: 'a', is: [1, 2], ss: ['b'], t: floatTensor([1]) },
    });
    module.metadataProps.set('key', 'value');
    module.producerName = 'us';
    const model = emitModel(module);
    expect(model).toMatchObject({
      irVersion: 8,
      producerName: 'us',
      opsetImport: [{ domain: '', version: 13 }],
      metadataProps: [{ key: 'key', value: 'value' }],
    });
    expect(model.graph).toMatchObject({
      name: 'main',
      node: [{ opType: 'Add', input: ['x', 'w'], output: ['y'] }],
      input: [
        {
          name: 'x',
          type: { tensorType: { elemType: 1, shape: { dim: [{ dimParam: 'N' }, { dimValue: 2 }, {}] } } },
        },
      ],
      output: [{ name: 'y' }],
      initializer: [{ name: 'w', dims: [2], dataType: 1 }],
    });
    expect(model.graph?.node?.[0]).not.toHaveProperty('name');
    expect(model.graph?.node?.[0]?.attribute?.map(({ name, type }) => [name, type])).toEqual([
      ['i', ATTRIBUTE_TYPE.int],
      ['f', ATTRIBUTE_TYPE.float],
      ['s', ATTRIBUTE_TYPE.string],
      ['is', ATTRIBUTE_TYPE.ints],
      ['ss', ATTRIBUTE_TYPE.strings],
      ['t', ATTRIBUTE_TYPE.tensor],
    ]);
    expect(decodeModel(emitBytes(module)).graph?.name).toBe('main');
  });

  it('refuses what is left of the private dialect, in bodies too', () => {
    const body = new Graph('body');
    const module = moduleOf({ opType: 'If', attributes: { then_branch: { type: 'graph', value: body } } });
    const x = module.graph.inputs[0];
    const quantizer = { opType: 'FakeQuantize', domain: BITWRIGHT_DOMAIN, name: 'fq' };
    body.setOutputs([body.createOp({ ...quantizer, inputs: [x] }).output]);
    const refusal = { code: 'EMIT_PRIVATE_OPERATOR', at: { node: 'fq' } };
    expect(() => emitModel(module)).toThrow(expect.objectContaining(refusal));
  });

  it('imports only domains that are used', () => {
    const module = moduleOf();
    module.opsets.set('com.example', 2);
    expect(emitModel(module).opsetImport).toEqual([{ domain: '', version: 13 }]);
    module.graph.createOp({ opType: 'Own', domain: 'com.example', inputs: [] });
    expect(emitModel(module).opsetImport).toContainEqual({ domain: 'com.example', version: 2 });
    module.graph.createOp({ opType: 'Own', domain: 'com.other', inputs: [] });
    expect(() => emitModel(module)).toThrow(expect.objectContaining({ code: 'EMIT_OPSET_ABSENT' }));
  });

  it('refuses to read a result without a name', () => {
    const module = moduleOf({ outputs: [{ name: '' }] });
    const { graph } = module;
    graph.setOutputs([graph.createOp({ opType: 'Relu', inputs: [[...graph.ops()][0]?.output] }).output]);
    expect(() => emitModel(module)).toThrow(expect.objectContaining({ code: 'EMIT_VALUE_UNNAMED' }));
  });

  it('declares the inner values whose types are known', () => {
    const module = moduleOf();
    const { graph } = module;
    const y = graph.outputs[0]!;
    graph.setOutputs([graph.createOp({ opType: 'Relu', inputs: [y], outputs: [{ name: 'z' }] }).output]);
    expect(emitModel(module).graph).not.toHaveProperty('valueInfo');
    y.type = { kind: 'tensor', dtype: 'float', shape: [] };
    expect(emitModel(module).graph?.valueInfo).toEqual([
      { name: 'y', type: { tensorType: { elemType: 1, shape: {} } } },
    ]);
  });

  it('keeps tensors of a file as they are and makes lazy ones', () => {
    const module = moduleOf();
    const proto = tensorToProto('w', floatTensor([3]));
    module.graph.getAttr('p', new ProtoTensor({ ...proto, name: 'p', docString: 'kept' }));
    module.graph.getAttr('l', new LazyTensor('int4', [3], () => Int8Array.of(-8, 7, 1)));
    const [, p, l] = emitModel(module).graph?.initializer ?? [];
    expect(p?.docString).toBe('kept');
    expect([...(new ProtoTensor(l ?? {}).data() as Int8Array)]).toEqual([-8, 7, 1]);
    expect(l?.rawData).toEqual(Uint8Array.of(0x78, 0x01));
  });

  it('refers to tensors of other files, or reads them in', () => {
    const module = moduleOf();
    const bytes = new Uint8Array(Float32Array.of(1.5, 2.5).buffer);
    const source = {
      name: 'w.bin',
      size: 8,
      read: (from: number, size: number) => bytes.subarray(from, from + size),
    };
    const proto = {
      name: 'e',
      dataType: 1,
      dims: [2],
      dataLocation: 1,
      externalData: [{ key: 'location', value: 'w.bin' }],
    };
    module.graph.getAttr('e', new ProtoTensor(proto, () => source));
    expect(emitModel(module).graph?.initializer?.[1]).toBe(proto);
    const inlined = emitModel(module, { external: 'inline' }).graph?.initializer?.[1];
    expect(inlined).not.toHaveProperty('externalData');
    expect([...(new ProtoTensor(inlined ?? {}).data() as Float32Array)]).toEqual([1.5, 2.5]);
  });
});

describe('emitFiles', () => {
  it('puts large tensors into chunks of a data file', () => {
    const module = moduleOf();
    const large = Float32Array.from({ length: 1000 }, (_, i) => i);
    module.graph.getAttr('large', new DenseTensor('float', [1000], large));
    const { model, location, size, chunks } = emitFiles(module, { location: 'm.data' });
    expect([location, size, chunks.length]).toEqual(['m.data', 4000, 1]);
    expect(model.length).toBeLessThan(1000);
    const file = chunks[0]!.bytes();
    const source = {
      name: 'm.data',
      size: 4000,
      read: (from: number, n: number) => file.subarray(from, from + n),
    };
    const [, proto] = decodeModel(model).graph?.initializer ?? [];
    expect(new ProtoTensor(proto ?? {}, () => source).data()).toEqual(large);
  });
});
