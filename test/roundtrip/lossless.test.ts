import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { captureModel } from '@bitwright/capture';
import { floatTensor } from '@bitwright/core';
import { emitBytes, emitModel } from '@bitwright/emit';
import { lint } from '@bitwright/graph';
import { canonicalBytes, decodeModel, encodeModel, type ModelProto } from '@bitwright/onnx';
import { describe, expect, it } from 'vitest';
import { ASSETS } from '../support/cli.js';
import { EVERY_FIELD } from './every-field.js';
import { difference, randomFeeds, runModel } from './run-model.js';

const isSame = (a: ModelProto, b: ModelProto) => Buffer.compare(canonicalBytes(a), canonicalBytes(b)) === 0;

describe('capture and emission', () => {
  it('lose no field of a model', () => {
    const module = captureModel(EVERY_FIELD);
    lint(module);
    expect(emitModel(module)).toEqual(EVERY_FIELD);
    const bytes = encodeModel(EVERY_FIELD);
    expect(isSame(decodeModel(emitBytes(captureModel(bytes))), decodeModel(bytes))).toBe(true);
  });

  it('lose nothing through a clone', () => {
    const copy = captureModel(EVERY_FIELD).clone();
    lint(copy);
    const { graph } = emitModel(copy);
    expect(graph?.node?.[0]).toEqual(EVERY_FIELD.graph?.node?.[0]);
    expect(graph?.input).toEqual(EVERY_FIELD.graph?.input);
    expect(graph?.valueInfo).toEqual(EVERY_FIELD.graph?.valueInfo);
  });

  it('let what the module says win', () => {
    const module = captureModel(EVERY_FIELD);
    const { graph } = module;
    const [everything, branch, last] = [...graph.ops()];
    graph.rename(graph.findValue('x')!, 'x2');
    graph.findValue('a')!.type = { kind: 'tensor', dtype: 'int8', shape: [4] };
    everything!.attributes = everything!.attributes.with({ i: 5, s: undefined, strings: ['c'] });
    everything!.opType = 'Other';
    branch!.name = 'branch';
    const y = graph.findValue('y')!;
    graph.setOutputs([y]);
    graph.eraseNode(last!);
    module.metadataProps.set('k', 'new');
    module.metadataProps.set('more', 'm');
    module.opsets.set('', 25);
    module.opsets.delete('idle');
    module.irVersion = 13;
    const model = emitModel(module);
    expect(model).toMatchObject({
      irVersion: 13,
      opsetImport: [
        { domain: 'ai.onnx', version: 25 },
        { domain: 'com.example', version: 1 },
      ],
      metadataProps: [
        { key: 'empty', value: '' },
        { key: 'k', value: 'new' },
        { key: 'more', value: 'm' },
      ],
    });
    const main = model.graph;
    expect(main?.input?.map(({ name }) => name)).toEqual(['default', 'x2', 'untyped']);
    expect(main?.input?.[0]).toBe(EVERY_FIELD.graph?.input?.[0]);
    expect(main?.output?.map(({ name }) => name)).toEqual(['y']);
    expect(main?.valueInfo?.map(({ name }) => name)).toEqual(['nowhere', 'w', 'a']);
    expect(main?.valueInfo?.[2]?.type?.tensorType?.elemType).toBe(3);
    expect(main?.quantizationAnnotation?.map(({ tensorName }) => tensorName)).toEqual(['a', 'b']);
    const [first, second] = main?.node ?? [];
    expect(first).toMatchObject({ opType: 'Other', input: ['x2', '', 'w', 's', ''] });
    expect(first).not.toHaveProperty('overload');
    const byName = new Map(first?.attribute?.map((attribute) => [attribute.name, attribute]));
    expect(byName.get('i')).toMatchObject({ type: 2, i: 5 });
    expect(byName.has('s')).toBe(false);
    expect(byName.get('strings')?.strings?.map((bytes) => String.fromCharCode(...bytes))).toEqual(['c']);
    expect(second?.name).toBe('branch');
    expect(second?.attribute?.[0]?.g?.node?.[0]?.input).toEqual(['x2', 'c']);
  });

  it('make plain constants of the initializers of an old file once it is upgraded', () => {
    const old: ModelProto = {
      irVersion: 3,
      opsetImport: [{ version: 8 }],
      graph: {
        input: [{ name: 'w' }, { name: 'x' }],
        initializer: [{ name: 'w', dataType: 1, dims: [1], floatData: Float32Array.of(1) }],
        node: [{ opType: 'Add', input: ['x', 'w'], output: ['y'] }],
        output: [{ name: 'y' }],
      },
    };
    const module = captureModel(old);
    expect(emitModel(module).graph?.input).toEqual([{ name: 'w' }, { name: 'x' }]);
    module.irVersion = 8;
    expect(emitModel(module).graph?.input).toEqual([{ name: 'x' }]);
  });

  it('write a sparse initializer as dense once it was replaced', () => {
    const module = captureModel(EVERY_FIELD);
    const { producer } = module.graph.findValue('s')!;
    if (producer.kind === 'get_attr') producer.tensor = floatTensor([0, 3, 0, 0]);
    const { graph } = emitModel(module);
    expect(graph).not.toHaveProperty('sparseInitializer');
    expect(graph?.initializer?.map(({ name }) => name)).toEqual(['w', 'default', 's']);
  });
});

const folder = join(ASSETS ?? '', 'models');
const models = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.onnx')) : [];

describe.skipIf(models.length === 0)('every real model', () => {
  it.each(models)('%s comes back as it was', async (name) => {
    const bytes = readFileSync(join(folder, name));
    if (name === 'super_resolution.onnx') {
      expect(() => captureModel(bytes)).toThrow(expect.objectContaining({ code: 'MODEL_OPSET_ABSENT' }));
      return;
    }
    const before = decodeModel(bytes);
    const module = captureModel(bytes);
    lint(module);
    const emitted = emitBytes(module);
    expect(isSame(decodeModel(emitted), before)).toBe(true);
    const feeds = randomFeeds(before);
    expect(difference(await runModel(bytes, feeds), await runModel(emitted, feeds))).toBeUndefined();
  });
});
