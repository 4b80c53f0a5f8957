import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CertificateDocument, DOCUMENTS } from '@bitwright/analyze';
import { emitBytes } from '@bitwright/emit';
import { parseModule } from '@bitwright/graph';
import { certify } from 'bitwright';
import { describe, expect, it } from 'vitest';
import { bitwright, MNIST, temporaryFolder } from '../support/cli.js';

const folder = temporaryFolder();
const model = join(MNIST, 'resnet8_ce.onnx');

function quantized(name: string, ...options: string[]): string {
  const out = join(folder, `${name}.onnx`);
  const run = bitwright(
    'quantize',
    model,
    '-o',
    out,
    '--data',
    join(MNIST, 'calibration.json'),
    '--samples',
    '16',
    ...options,
  );
  expect(run.code).toBe(0);
  return out;
}

/** One Conv between quantizers, whose parts can be changed. */
async function certified(
  changes: Partial<Record<'weights' | 'bias' | 'body' | 'constants' | 'output', string>>,
): Promise<CertificateDocument> {
  const parts = {
    weights: 'int8[2,2,1,1] wq = {1, 2, 3, 4}, int8 wz = {0}',
    bias: 'int32[2] bq = {1, 2}, float[1] bs = {0.02}',
    constants: '',
    body: 'c = Conv(xd, w, b) r = Relu(c) rq = QuantizeLinear(r, s, z) y = DequantizeLinear(rq, s, z)',
    output: 'float[1,2,4,4] y',
    ...changes,
  };
  const text = `<ir_version: 10, opset_import: ["" : 21]> g (float[1,2,4,4] x) => (${parts.output})
    <float s = {0.1}, uint8 z = {0}, uint8 mid = {100}, float ws = {0.2}, ${parts.weights}, ${parts.bias}${parts.constants}> {
      xq = QuantizeLinear(x, s, z) xd = DequantizeLinear(xq, s, z)
      w = DequantizeLinear(wq, ws, wz) b = DequantizeLinear(bq, bs)
      ${parts.body}
    }`;
  return certify(emitBytes(parseModule(text)));
}

const kernels = ({ nodes }: CertificateDocument) =>
  nodes.map(({ name, runs, kernel, code }) =>
    [name, runs, kernel.replace(/^com.microsoft./, ''), code].join(' ').trim(),
  );

describe('certify', () => {
  it.each(['8', '4'])('finds every arithmetic node of a file of %s bits in an integer kernel', (bits) => {
    const run = bitwright(
      'certify',
      quantized(`w${bits}`, '--bits', bits, '--scheme', 'integer-only'),
      '--json',
      '--require',
      'integer=100%',
    );
    expect(run.code).toBe(0);
    const { nodes, saturation, integer, total } = DOCUMENTS.certificate.parse(run.json());
    expect(integer).toBe(total);
    const conv = nodes.filter(({ opType }) => opType === 'Conv');
    expect(conv).toHaveLength(saturation.length - 1);
    for (const { opType, kernel } of nodes.filter(({ opType: type }) => /Conv|Gemm|Add/.test(type)))
      expect(kernel).toBe(
        { Conv: 'com.microsoft.QLinearConv', Gemm: 'com.microsoft.QGemm', Add: 'com.microsoft.QLinearAdd' }[
          opType
        ],
      );
    expect(saturation.every(({ safe }) => safe)).toBe(true);
  });

  it('ends with 3 and prints the certificate where a requirement is missed', () => {
    const file = quantized('bias8', '--bits', '8', '--bias', 'int8', '--scheme', 'integer-only');
    const run = bitwright('certify', file, '--json', '--require', 'integer=95%');
    expect(run.code).toBe(3);
    const { error, nodes } = DOCUMENTS.certificate.parse(run.json());
    expect(error?.code).toBe('CERTIFY_REQUIRE_MISSED');
    expect(nodes.filter(({ opType }) => opType === 'Conv').every(({ code }) => code === 'CERTIFY_BIAS')).toBe(
      true,
    );
  });

  it('times the model and the float one that it stands for', () => {
    const run = bitwright('certify', quantized('timed', '--bits', '8'), '--json', '--time', '--threads', '1');
    const { time } = DOCUMENTS.certificate.parse(run.json());
    expect(time!.ratioLow!).toBeGreaterThan(0);
    expect(time!.ratioHigh!).toBeGreaterThanOrEqual(time!.ratioLow!);
    expect(time!.float!.medianSeconds).toBeGreaterThan(0);
  });

  it('says of a float model that it is float', () => {
    const { integer, nodes } = bitwright('certify', model, '--json').json<CertificateDocument>();
    expect(integer).toBe(0);
    expect(nodes.every(({ code, reason }) => code !== undefined && reason !== undefined)).toBe(true);
  });

  it('refuses a requirement that it cannot read, and a file that the runtime does not load', () => {
    const wrong = bitwright('certify', model, '--require', '95', '--json');
    expect([wrong.code, wrong.json<{ error: { code: string } }>().error.code]).toEqual([2, 'OPTION_VALUE']);
    const broken = join(folder, 'broken.onnx');
    writeFileSync(broken, 'x');
    expect(bitwright('certify', broken).code).toBe(1);
  });
});

describe('the reasons of float nodes, each seen in the runtime', () => {
  it('none where all conditions hold', async () => {
    expect(kernels(await certified({}))).toEqual(['c integer QLinearConv', 'r integer QLinearConv']);
  });

  it('a bias of another scale', async () => {
    expect(kernels(await certified({ bias: 'int32[2] bq = {1, 2}, float[1] bs = {0.5}' }))[0]).toContain(
      'CERTIFY_BIAS',
    );
  });

  it('a result that something else reads', async () => {
    const body = 'c = Conv(xd, w, b) n = Neg(c) rq = QuantizeLinear(n, s, z) y = DequantizeLinear(rq, s, z)';
    const found = kernels(await certified({ body }));
    expect(found[0]).toMatch(/^c float .*CERTIFY_OUTPUT_FLOAT$/);
    expect(found[1]).toBe('n float Neg CERTIFY_NO_KERNEL');
  });

  it('a Relu that the grid does not stand for', async () => {
    const body =
      'c = Conv(xd, w, b) r = Relu(c) rq = QuantizeLinear(r, s, mid) y = DequantizeLinear(rq, s, mid)';
    const found = kernels(await certified({ body }));
    expect(found).toHaveLength(2);
    for (const line of found) expect(line).toMatch(/^[cr] float .*CERTIFY_ACTIVATION_KEPT$/);
  });

  it('an operand that is float', async () => {
    const body = 'a = Add(xd, x) rq = QuantizeLinear(a, s, z) y = DequantizeLinear(rq, s, z)';
    expect(kernels(await certified({ body }))).toEqual(['a float Add CERTIFY_INPUT_FLOAT']);
  });

  it('narrow weights', async () => {
    const weights = 'int4[2,2,1,1] wq = {1, 2, 3, 4}, int4 wz = {0}';
    expect(kernels(await certified({ weights }))[0]).toMatch(/^c float .*CERTIFY_WEIGHT_TYPE$/);
  });

  it('codes of 16 bits', async () => {
    const constants = ', uint16 wide = {0}';
    const body =
      'xw = QuantizeLinear(x, s, wide) xf = DequantizeLinear(xw, s, wide) a = Add(xf, xf) rq = QuantizeLinear(a, s, wide) y = DequantizeLinear(rq, s, wide)';
    expect(kernels(await certified({ constants, body }))).toEqual(['a float Add CERTIFY_16_BITS']);
  });
});

describe('the saturation of 16-bit pairs', () => {
  it('names the worst pair of signed weights', async () => {
    const { saturation } = await certified({ weights: 'int8[2,2,1,1] wq = {1, 2, 70, 60}, int8 wz = {0}' });
    expect(saturation).toEqual([
      {
        node: 'c',
        limit: 32767,
        largestInput: 255,
        worstPair: 255 * 130,
        codes: [70, 60],
        channel: 1,
        safe: false,
      },
    ]);
  });

  it('knows that few codes, and unsigned weights, are safe', async () => {
    const body =
      'xc = Clip(xq, z, seven) xn = DequantizeLinear(xc, s, z) c = Conv(xn, w, b) rq = QuantizeLinear(c, s, z) y = DequantizeLinear(rq, s, z)';
    const few = await certified({
      weights: 'int8[2,2,1,1] wq = {127, 127, -128, -128}, int8 wz = {0}',
      constants: ', uint8 seven = {127}',
      body,
    });
    expect(few.saturation[0]).toMatchObject({ worstPair: -256 * 127, largestInput: 127, safe: true });
    const unsigned = await certified({ weights: 'uint8[2,2,1,1] wq = {255, 255, 0, 0}, uint8 wz = {128}' });
    expect(unsigned.saturation[0]).toMatchObject({ safe: true });
  });
});
