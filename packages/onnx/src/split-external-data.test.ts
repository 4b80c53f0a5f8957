import { BufferSource } from '@bitwright/core';
import { describe, expect, it } from 'vitest';
import {
  type ExternalDataSplit,
  type GraphProto,
  isExternal,
  type ModelProto,
  ProtoTensor,
  splitExternalData,
  type TensorProto,
} from './index.js';

const floats = (name: string, values: number[]): TensorProto => ({
  name,
  dims: [values.length],
  dataType: 1,
  floatData: Float32Array.from(values),
});

const inner: GraphProto = { initializer: [floats('inner', [5, 6, 7, 8])] };
const model: ModelProto = {
  graph: {
    name: 'g',
    initializer: [
      floats('small', [1]),
      { name: 'large', dims: [8], dataType: 2, rawData: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) },
      { name: 'text', dims: [1], dataType: 8, stringData: [new Uint8Array(99)] },
      { name: 'future', dims: [1], dataType: 99, rawData: new Uint8Array(99) },
    ],
    node: [
      { opType: 'If', attribute: [{ name: 'then_branch', g: inner }] },
      { opType: 'Constant', attribute: [{ name: 'value', t: floats('constant', [1, 2, 3]) }] },
    ],
  },
};

/** The data file that the chunks make. */
function fileOf({ chunks, size }: ExternalDataSplit): Uint8Array {
  const file = new Uint8Array(size);
  for (const chunk of chunks) file.set(chunk.bytes(), chunk.offset);
  return file;
}

function initializers(graph: GraphProto | undefined): readonly TensorProto[] {
  return [...(graph?.initializer ?? []), ...(graph?.node?.[0]?.attribute?.[0]?.g?.initializer ?? [])];
}

describe('splitExternalData', () => {
  const split = splitExternalData(model, { threshold: 8, location: 'm.data' });

  it('moves large initializers, those of subgraphs too, to aligned offsets', () => {
    expect(split.chunks.map(({ name, offset, length }) => [name, offset, length])).toEqual([
      ['large', 0, 8],
      ['inner', 4096, 16],
    ]);
    expect(split.size).toBe(4096 + 16);
    const moved = initializers(split.model.graph).filter(isExternal);
    expect(moved.map(({ name }) => name)).toEqual(['large', 'inner']);
    expect(moved[1]).toEqual({
      name: 'inner',
      dims: [4],
      dataType: 1,
      dataLocation: 1,
      externalData: [
        { key: 'location', value: 'm.data' },
        { key: 'offset', value: '4096' },
        { key: 'length', value: '16' },
      ],
    });
  });

  it('keeps every value', () => {
    const source = new BufferSource('m.data', fileOf(split));
    const data = (tensor: TensorProto) => new ProtoTensor(tensor, () => source).data();
    const known = ({ name }: TensorProto) => name !== 'future';
    expect(initializers(split.model.graph).filter(known).map(data)).toEqual(
      initializers(model.graph).filter(known).map(data),
    );
  });

  it('shares what stays, and changes nothing of what it was given', () => {
    expect(split.model.graph?.node?.[1]).toBe(model.graph?.node?.[1]);
    expect(split.model.graph?.initializer?.[0]).toBe(model.graph?.initializer?.[0]);
    expect(initializers(model.graph).some(isExternal)).toBe(false);
    expect(splitExternalData(model, { threshold: 1000, location: 'm.data' }).model).toBe(model);
  });

  it('moves external tensors on, or back inside, when it can open their file', () => {
    const resolve = () => new BufferSource('m.data', fileOf(split));
    const again = splitExternalData(split.model, { threshold: 16, location: 'new.data', resolve });
    expect(again.chunks.map(({ name }) => name)).toEqual(['inner']);
    const [, large] = initializers(again.model.graph);
    expect(large).toEqual(model.graph?.initializer?.[1]);
    expect(fileOf(again)).toEqual(Uint8Array.from(new Uint8Array(Float32Array.of(5, 6, 7, 8).buffer)));
    expect(splitExternalData(split.model, { threshold: 16, location: 'new.data' }).model).toBe(split.model);
  });
});
