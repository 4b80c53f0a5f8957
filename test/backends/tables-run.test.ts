import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { captureModel } from '@bitwright/capture';
import { floatData } from '@bitwright/core';
import { constantTensor, type GraphModule, type OpNode } from '@bitwright/graph';
import { evaluateModels, quantize } from 'bitwright';
import { afterAll, describe, expect, it } from 'vitest';
import { MNIST } from '../support/cli.js';

const folder = mkdtempSync(join(tmpdir(), 'bitwright-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const data = join(MNIST, 'calibration.json');
const evaluation = join(MNIST, 'evaluation.json');

async function quantizedBy(backend: string, options: { bits?: string } = {}) {
  const result = await quantize(join(MNIST, 'resnet8_ce.onnx'), {
    bits: '8',
    data,
    samples: 64,
    backend,
    ...options,
  });
  return { ...result, module: captureModel(result.bytes, { name: backend }) };
}

const ofType = ({ graph }: GraphModule, opType: string): OpNode[] =>
  [...graph.ops()].filter((node) => node.opType === opType);

const carriers = (module: GraphModule, opType: string): string[] =>
  [...new Set(ofType(module, opType).map((node) => constantTensor(node.inputs[2])?.dtype ?? 'none'))].sort();

/** Who reads what a QuantizeLinear's DequantizeLinear gives. */
const readersBehind = (quantize: OpNode): string[] =>
  [...quantize.output.uses].flatMap(({ node }) =>
    [...(node as OpNode).output.uses].map((use) => (use.node as OpNode).opType),
  );

const scalesOf = (module: GraphModule): number[] =>
  [...ofType(module, 'QuantizeLinear'), ...ofType(module, 'DequantizeLinear')].flatMap((node) => [
    ...floatData(constantTensor(node.inputs[1])!),
  ]);

async function correct(bytes: Uint8Array): Promise<number> {
  const [result] = await evaluateModels([bytes], { data: evaluation, samples: 500 });
  return result!.correct;
}

describe('what each table demands is in the files', () => {
  it('tensorrt: int8 with zero point 0, no quantizer behind a Conv, the shortcut alone, bias float', async () => {
    const { module, bytes, dialect } = await quantizedBy('tensorrt');
    expect(dialect).toBe('qdq');
    expect(carriers(module, 'QuantizeLinear')).toEqual(['int8']);
    for (const node of ofType(module, 'DequantizeLinear'))
      expect(
        [...(constantTensor(node.inputs[2])?.data() ?? [])].map(Number).every((zero) => zero === 0),
      ).toBe(true);
    for (const conv of ofType(module, 'Conv')) {
      expect(constantTensor(conv.inputs[2])?.dtype).toBe('float');
      // two convolutions that meet in an addition: one fuses with it, the other is the shortcut
      for (const use of conv.output.uses)
        if ((use.node as OpNode).opType === 'QuantizeLinear')
          expect([...new Set(readersBehind(use.node as OpNode))]).toEqual(['Add']);
    }
    for (const add of ofType(module, 'Add'))
      expect(add.inputs.map((value) => (value!.producer as OpNode).opType).sort()).toEqual([
        'Conv',
        'DequantizeLinear',
      ]);
    expect(module.metadataProps.get('bitwright.bias')).toBe('float');
    expect(await correct(bytes)).toBeGreaterThan(485);
  });

  it('vitis-dpu: every scale a power of two, also of the bias; one a tensor', async () => {
    const { module, bytes } = await quantizedBy('vitis-dpu');
    const scales = scalesOf(module);
    expect(scales.filter((scale) => !Number.isInteger(Math.log2(scale)))).toEqual([]);
    expect(scales).toHaveLength(
      ofType(module, 'QuantizeLinear').length + ofType(module, 'DequantizeLinear').length,
    );
    expect(carriers(module, 'QuantizeLinear')).toEqual(['int8']);
    expect(await correct(bytes)).toBeGreaterThan(480);
  });

  it.each(['fast', 'balanced'] as const)('vitis-dpu: the method %s keeps to it', async (method) => {
    const options = { bits: '8', data, samples: 16, backend: 'vitis-dpu', method } as const;
    const { bytes } = await quantize(join(MNIST, 'resnet8_ce.onnx'), options);
    const scales = scalesOf(captureModel(bytes, { name: method }));
    expect(scales.filter((scale) => !Number.isInteger(Math.log2(scale)))).toEqual([]);
  });

  it('qnn: uint8 or uint16 activations, int8 weights, int32 bias', async () => {
    const eight = await quantizedBy('qnn');
    expect(carriers(eight.module, 'QuantizeLinear')).toEqual(['uint8']);
    expect(carriers(eight.module, 'DequantizeLinear')).toEqual(['int8', 'none', 'uint8']);
    const sixteen = await quantizedBy('qnn', { bits: 'W8A16' });
    expect(carriers(sixteen.module, 'QuantizeLinear')).toEqual(['uint16']);
    expect(await correct(sixteen.bytes)).toBeGreaterThan(485);
  });

  it('finn: QONNX, zero point 0, unsigned behind a Relu, both operands of an Add on one scale', async () => {
    const { module, dialect, diagnostics } = await quantizedBy('finn', { bits: 'W4A4' });
    expect(dialect).toBe('qonnx');
    for (const node of ofType(module, 'Quant'))
      expect([...constantTensor(node.inputs[2])!.data()].map(Number).every((zero) => zero === 0)).toBe(true);
    for (const relu of ofType(module, 'Relu'))
      for (const use of relu.output.uses)
        if (use.node.kind === 'op') expect(use.node.attributes.int('signed', 1)).toBe(0);
    for (const add of ofType(module, 'Add')) {
      const [a, b] = add.inputs.map(
        (value) => floatData(constantTensor((value!.producer as OpNode).inputs[1])!)[0],
      );
      expect(a).toBe(b);
    }
    expect(diagnostics.filter(({ code }) => code === 'ANNOTATION_CONFLICT')).toHaveLength(1);
  });

  it('onnxruntime-web: weight codes of 7 bits', async () => {
    const { module } = await quantizedBy('onnxruntime-web');
    for (const conv of ofType(module, 'Conv')) {
      const codes = [...constantTensor((conv.inputs[1]!.producer as OpNode).inputs[0])!.data()].map(Number);
      expect(Math.min(...codes)).toBeGreaterThanOrEqual(-64);
      expect(Math.max(...codes)).toBeLessThanOrEqual(63);
    }
  });

  it('photonic: products alone, one scale for all weights', async () => {
    const { layers } = await quantizedBy('photonic', { bits: 'W4A6' });
    for (const { opType, weights, float } of layers) {
      if (opType === 'Conv' || opType === 'Gemm') expect(weights).toEqual({ bits: 4, symmetric: true });
      else expect(float?.code).toBe('FLOAT_NO_PATTERN');
    }
  });
});

describe('a table of the user’s', () => {
  const write = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };

  it('is equal in JSON and in TypeScript, with a base in a file beside it', async () => {
    const own = { name: 'own', description: 'Own.', extends: './base.json', entries: [] };
    write(
      'base.json',
      JSON.stringify({
        name: 'base',
        description: 'Base.',
        extends: 'onnxruntime-cpu',
        remove: [['Gemm']],
        entries: [],
      }),
    );
    const json = await quantizedBy(write('own.json', JSON.stringify(own)));
    const typescript = await quantizedBy(write('own.ts', `export default ${JSON.stringify(own)};`));
    expect(json.layers.find(({ opType }) => opType === 'Gemm')?.float?.code).toBe('FLOAT_NO_PATTERN');
    expect(Buffer.from(json.bytes).equals(Buffer.from(typescript.bytes))).toBe(true);
    expect(json.module.metadataProps.get('bitwright.backend')).toBe('own');
  });

  it('that extends itself by way of another file is refused, with the way round', async () => {
    const table = (base: string) =>
      JSON.stringify({ name: 'own', description: 'O.', extends: base, entries: [] });
    const path = write('a.json', table('./b.json'));
    write('b.json', table('./a.json'));
    await expect(quantizedBy(path)).rejects.toMatchObject({ code: 'BACKEND_EXTENDS_CYCLE' });
  });

  it('with an error is refused, naming file and line', async () => {
    const path = write('typo.json', '{\n "name": "own",\n "descripton": "O.",\n "entries": [] }');
    await expect(quantizedBy(path)).rejects.toMatchObject({
      code: 'BACKEND_INVALID',
      message: expect.stringContaining('line 3: BACKEND_KEY_UNKNOWN'),
    });
    const typescript = write(
      'function.ts',
      'export default { name: "own", entries: [], description: () => "O." };',
    );
    await expect(quantizedBy(typescript)).rejects.toMatchObject({
      message: expect.stringContaining('description: BACKEND_FUNCTION'),
    });
    await expect(quantizedBy(join(folder, 'absent.json'))).rejects.toMatchObject({ code: 'FILE_ABSENT' });
  });

  it('can’t be asked for widths and dialects that it does not take', async () => {
    await expect(quantizedBy('tensorrt', { bits: 'W4A4' })).rejects.toMatchObject({
      code: 'BACKEND_BITS',
      kind: 'usage',
      hint: 'It takes W8A8.',
    });
    const options = { bits: '8', data, backend: 'finn', dialect: 'qdq' } as const;
    await expect(quantize(join(MNIST, 'resnet8_ce.onnx'), options)).rejects.toMatchObject({
      code: 'DIALECT_NOT_OF_BACKEND',
    });
  });
});
