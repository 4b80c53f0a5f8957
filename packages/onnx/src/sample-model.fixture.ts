import { int64Tensor } from '@bitwright/core';
import { ATTRIBUTE_TYPE, encodeText, type GraphProto, type ModelProto, tensorToProto } from './index.js';

const encode = encodeText;

/** A small model that uses every wire type, a subgraph and each kind of value, for tests. */
export function sampleModel(): ModelProto {
  const branch: GraphProto = {
    node: [{ input: ['x'], output: ['y'], opType: 'Identity' }],
    name: 'then',
    output: [{ name: 'y' }],
  };
  return {
    irVersion: 10,
    producerName: 'bitwright-test',
    opsetImport: [{ version: 21 }, { domain: 'com.example', version: 1 }],
    metadataProps: [{ key: 'note', value: 'größer ≥ 0 😀' }],
    graph: {
      name: 'main',
      input: [
        {
          name: 'x',
          type: { tensorType: { elemType: 1, shape: { dim: [{ dimParam: 'N' }, { dimValue: 3 }, {}] } } },
        },
      ],
      output: [{ name: 'z', type: { sequenceType: { elemType: { tensorType: { elemType: 7 } } } } }],
      initializer: [
        {
          dims: [2, 2],
          dataType: 1,
          name: 'w',
          rawData: new Uint8Array(new Float32Array([1, 2, 3, 4]).buffer),
        },
        { dims: [3], dataType: 1, name: 'typed', floatData: new Float32Array([0.5, -1, 7]) },
        { dims: [2], dataType: 7, name: 'wide', int64Data: new BigInt64Array([-1n, 2n ** 62n]) },
        { dims: [2], dataType: 3, name: 'narrow', int32Data: new Int32Array([-128, 127]) },
        { dims: [1], dataType: 11, name: 'double', doubleData: new Float64Array([Math.PI]) },
        { dims: [1], dataType: 13, name: 'uint64', uint64Data: new BigUint64Array([2n ** 64n - 1n]) },
        { dims: [1], dataType: 8, name: 'text', stringData: [encode('héllo')] },
        tensorToProto('shape', int64Tensor([1, -1])),
      ],
      node: [
        {
          name: 'if',
          opType: 'If',
          input: ['c'],
          output: ['z'],
          attribute: [
            { name: 'then_branch', type: ATTRIBUTE_TYPE.graph, g: branch },
            { name: 'ends', type: ATTRIBUTE_TYPE.ints, ints: [0, -1, 2n ** 63n - 1n] },
            { name: 'scales', type: ATTRIBUTE_TYPE.floats, floats: new Float32Array([1, -0, 0.1]) },
            { name: 'mode', type: ATTRIBUTE_TYPE.string, s: encode('linear') },
            { name: 'alpha', type: ATTRIBUTE_TYPE.float, f: 0 },
          ],
        },
      ],
    },
  };
}
