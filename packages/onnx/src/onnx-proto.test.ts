import onnxProto from 'onnx-proto';
import { describe, expect, it } from 'vitest';
import { decodeModel, encodeModel } from './index.js';
import { sampleModel } from './sample-model.fixture.js';

const { ModelProto } = onnxProto.onnx;

/** An independent codec, generated from ONNX 1.10's own schema. */
describe('onnx-proto', () => {
  it('reads what we write', () => {
    const ours = sampleModel();
    const theirs = ModelProto.decode(encodeModel(ours));
    expect(Number(theirs.irVersion)).toBe(ours.irVersion);
    expect(theirs.metadataProps[0]?.value).toBe(ours.metadataProps?.[0]?.value);
    expect(theirs.opsetImport.map(({ version }) => Number(version))).toEqual([21, 1]);
    const graph = theirs.graph!;
    expect(graph.node?.map(({ name, opType }) => [name, opType])).toEqual([['if', 'If']]);
    expect(graph.initializer?.map(({ name }) => name)).toEqual(
      ours.graph?.initializer?.map(({ name }) => name),
    );
    expect(Uint8Array.from(graph.initializer![0]!.rawData!)).toEqual(ours.graph?.initializer?.[0]?.rawData);
    expect(graph.initializer![1]!.floatData).toEqual([0.5, -1, 7]);
    expect(String(graph.initializer![2]!.int64Data![1])).toBe(`${2n ** 62n}`);
    expect(graph.initializer![3]!.int32Data).toEqual([-128, 127]);
    expect(graph.initializer![4]!.doubleData).toEqual([Math.PI]);
    expect(String(graph.initializer![5]!.uint64Data![0])).toBe(`${2n ** 64n - 1n}`);
    expect(graph.input![0]!.type!.tensorType!.shape!.dim!.map(({ dimParam }) => dimParam)).toEqual([
      'N',
      null,
      null,
    ]);
    const attributes = graph.node![0]!.attribute!;
    expect(attributes[0]!.g!.node![0]!.opType).toBe('Identity');
    expect(attributes[1]!.ints!.map(String)).toEqual(['0', '-1', `${2n ** 63n - 1n}`]);
    expect(attributes[2]!.floats).toEqual([1, -0, Math.fround(0.1)]);
  });

  it('writes what we read', () => {
    const ours = encodeModel(sampleModel());
    expect(decodeModel(ModelProto.encode(ModelProto.decode(ours)).finish())).toEqual(sampleModel());
  });
});
