import { BitwrightError, DenseTensor } from '@bitwright/core';
import { lint, type OpNode } from '@bitwright/graph';
import {
  ATTRIBUTE_TYPE,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  ProtoTensor,
  tensorToProto,
} from '@bitwright/onnx';
import { describe, expect, it } from 'vitest';
import { captureModel } from './capture-model.js';

function model(graph: GraphProto, more: Partial<ModelProto> = {}): ModelProto {
  return { irVersion: 8, opsetImport: [{ version: 13 }], graph: { name: 'main', ...graph }, ...more };
}

function relu(input: string, output: string, more: Partial<NodeProto> = {}): NodeProto {
  return { opType: 'Relu', input: [input], output: [output], ...more };
}

const weights = (name: string) => tensorToProto(name, new DenseTensor('float', [2], Float32Array.of(1, 2)));
const tensorInfo = (name: string, ...dims: (number | string)[]) => ({
  name,
  type: {
    tensorType: {
      elemType: 1,
      shape: { dim: dims.map((dim) => (typeof dim === 'number' ? { dimValue: dim } : { dimParam: dim })) },
    },
  },
});

function codeOf(proto: ModelProto): string {
  return errorOf(proto).code;
}

function errorOf(proto: ModelProto): BitwrightError {
  try {
    captureModel(proto, { name: 'm.onnx' });
  } catch (thrown) {
    if (thrown instanceof BitwrightError) return thrown;
    throw thrown;
  }
  throw new Error('no error');
}

describe('captureModel', () => {
  it('makes placeholders, initializers and operators in the order of the file', () => {
    const module = captureModel(
      model(
        {
          input: [tensorInfo('x', 'N', 2), tensorInfo('w', 2)],
          initializer: [weights('w'), weights('v')],
          node: [
            { opType: 'Add', input: ['x', 'w'], output: ['a'], domain: 'ai.onnx' },
            { opType: 'Own', domain: 'mine', input: ['a', '', 'v', ''], output: ['', 'y'], name: 'n' },
          ],
          output: [tensorInfo('y', 'N', 2)],
          valueInfo: [{ name: 'a', type: { sequenceType: {} } }],
        },
        { metadataProps: [{ key: 'k', value: 'v' }], producerName: 'p' },
      ),
    );
    lint(module);
    const open = captureModel(model({ input: [tensorInfo('x', -1, 2)] }));
    expect(open.graph.inputs[0]?.shape).toEqual([undefined, 2]);
    const kinds = [...module.graph.nodes()].map(({ kind }) => kind);
    expect(kinds).toEqual(['placeholder', 'get_attr', 'get_attr', 'op', 'op', 'output']);
    expect(module.graph.inputs.map(({ name }) => name)).toEqual(['x']);
    expect(module.graph.inputs[0]?.type).toEqual({ kind: 'tensor', dtype: 'float', shape: ['N', 2] });
    const [add, own] = [...module.graph.ops()];
    expect(add?.domain).toBe('');
    expect(add?.outputs[0]?.type).toEqual({ kind: 'other' });
    expect(own?.inputs.map((value) => value?.name)).toEqual(['a', undefined, 'v', undefined]);
    expect(own?.outputs.map(({ name }) => name)).toEqual(['', 'y']);
    expect(module.metadataProps.get('k')).toBe('v');
    expect([module.irVersion, module.opset, module.producerName]).toEqual([8, 13, 'p']);
  });

  it('shares the bytes of initializers', () => {
    const w = weights('w');
    const module = captureModel(model({ initializer: [w], node: [relu('w', 'y')], output: [{ name: 'y' }] }));
    const [node] = module.graph.nodes();
    const tensor = node?.kind === 'get_attr' ? node.tensor : undefined;
    expect(tensor).toBeInstanceOf(ProtoTensor);
    expect((tensor as ProtoTensor).proto).toBe(w);
  });

  it('lets bodies read the values around them, under names that siblings share', () => {
    const branch = (add: string): GraphProto => ({
      name: 'branch',
      initializer: [weights('c')],
      node: [{ opType: add, input: ['x', 'c'], output: ['r'] }],
      output: [{ name: 'r' }],
    });
    const module = captureModel(
      model({
        input: [tensorInfo('cond'), tensorInfo('x', 2)],
        node: [
          {
            opType: 'If',
            input: ['cond'],
            output: ['y'],
            attribute: [
              { name: 'then_branch', type: ATTRIBUTE_TYPE.graph, g: branch('Add') },
              { name: 'else_branch', type: ATTRIBUTE_TYPE.graph, g: branch('Mul') },
            ],
          },
        ],
        output: [{ name: 'y' }],
      }),
    );
    lint(module);
    const x = module.graph.findValue('x');
    expect([...(x?.users() ?? [])].map((node) => (node as OpNode).opType)).toEqual(['Add', 'Mul']);
    const [node] = [...module.graph.ops()];
    expect(node?.subgraphs().map((body) => body.findValue('c')?.name)).toEqual(['c', 'c']);
  });

  it('spreads out a sparse initializer', () => {
    const values = tensorToProto('s', new DenseTensor('float', [2], Float32Array.of(5, 7)));
    const indices = tensorToProto('', new DenseTensor('int64', [2, 2], BigInt64Array.of(0n, 1n, 1n, 2n)));
    const proto = model({
      sparseInitializer: [{ values, indices, dims: [2, 3] }],
      node: [relu('s', 'y')],
      output: [{ name: 'y' }],
    });
    const [node] = captureModel(proto).graph.nodes();
    expect(node?.kind === 'get_attr' && [...(node.tensor.data() as Float32Array)]).toEqual([
      0, 5, 0, 0, 0, 7,
    ]);
    const bad = tensorToProto('', new DenseTensor('int64', [2], BigInt64Array.of(0n, 6n)));
    const [broken] = captureModel(
      model({ ...proto.graph, sparseInitializer: [{ values, indices: bad, dims: [2, 3] }] }),
    ).graph.nodes();
    expect(() => broken?.kind === 'get_attr' && broken.tensor.data()).toThrow('its index 6');
  });

  it.each<[string, ModelProto]>([
    ['MODEL_GRAPH_ABSENT', { irVersion: 8, opsetImport: [{ version: 13 }] }],
    ['MODEL_IR_VERSION', model({}, { irVersion: 0 })],
    ['MODEL_IR_VERSION', model({}, { irVersion: 99 })],
    ['MODEL_OPSET_ABSENT', model({}, { opsetImport: [] })],
    [
      'MODEL_OPSET_ABSENT',
      model(
        { input: [{ name: 'x' }], node: [relu('x', 'y')] },
        { opsetImport: [{ domain: 'mine', version: 1 }] },
      ),
    ],
    ['MODEL_NAME_ABSENT', model({ input: [{}] })],
    ['MODEL_NAME_DUPLICATE', model({ input: [{ name: 'x' }, { name: 'x' }] })],
    ['MODEL_NAME_DUPLICATE', model({ initializer: [weights('w'), weights('w')] })],
    ['MODEL_NAME_DUPLICATE', model({ input: [{ name: 'x' }], node: [relu('x', 'x')] })],
    ['MODEL_VALUE_UNDEFINED', model({ node: [relu('x', 'y')] })],
    ['MODEL_VALUE_UNDEFINED', model({ output: [{ name: 'y' }] })],
    ['MODEL_OP_TYPE_ABSENT', model({ node: [{ output: ['y'] }] })],
    [
      'MODEL_ATTRIBUTE_DUPLICATE',
      model({
        input: [{ name: 'x' }],
        node: [relu('x', 'y', { attribute: [{ name: 'a' }, { name: 'a' }] })],
      }),
    ],
    ['MODEL_NOT_SORTED', model({ input: [{ name: 'x' }], node: [relu('b', 'c'), relu('x', 'b')] })],
  ])('refuses with %s', (code, proto) => {
    expect(codeOf(proto)).toBe(code);
  });

  it('names the node and the value that is missing', () => {
    const error = errorOf(model({ node: [relu('x', 'y', { name: 'act' })] }));
    expect(error.at).toEqual({ file: 'm.onnx', graph: 'main', node: 'act', value: 'x' });
  });

  it('spells out a cycle', () => {
    const error = errorOf(model({ node: [relu('c', 'a'), relu('a', 'b'), relu('b', 'c')] }));
    expect(error.code).toBe('MODEL_CYCLE');
    expect(error.message).toContain('c -> a -> b -> c');
  });

  it('finds a body that reads the result of its own node', () => {
    const g: GraphProto = { node: [relu('y', 'r')], output: [{ name: 'r' }] };
    const node: NodeProto = {
      opType: 'If',
      input: ['x'],
      output: ['y'],
      attribute: [{ name: 'then_branch', type: ATTRIBUTE_TYPE.graph, g }],
    };
    expect(codeOf(model({ input: [{ name: 'x' }], node: [node] }))).toBe('MODEL_CYCLE');
  });
});
