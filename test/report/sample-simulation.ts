import { reportDocument } from '@bitwright/analyze';

/** A made-up report of a simulation of six layers, with two curves and a trace. */
export function sampleSimulation(): ReturnType<typeof reportDocument.parse> {
  const layers = Array.from({ length: 6 }, (_, i) => ({
    name: `conv${i}`,
    opType: 'Conv',
    accumulatorBits: { worstCase: 20 - i, onData: 16 - i },
    registerBits: 18,
    overflows: i,
    snr: { sum: 20 - i, adc: null, all: 18 - i },
  }));
  const digits = { scale: 0.5, zeroPoint: 3 };
  return reportDocument.parse({
    kind: 'bitwright.report',
    version: 1,
    title: 'A made-up simulation',
    reproduce: {
      command: 'bitwright simulate model.onnx --hardware chip.json',
      versions: { bitwright: '0.1.0' },
      models: [{ path: 'model.onnx', sha256: 'a'.repeat(64) }],
      data: [],
    },
    simulations: [
      {
        model: 'folder/model.onnx',
        hardware: { name: 'chip', description: 'Made up.', json: '{ "name": "chip" }' },
        convention: 'W4A4',
        engine: 'onnx',
        correct: [70, 74],
        total: 100,
        mean: 72,
        deviation: 2.8,
        layers,
        float: [
          { name: 'gelu', opType: 'Gelu', code: 'SIMULATE_OPERATOR', reason: 'there is no integer form' },
        ],
        curves: ['enob', 'accumulator-bits'].map((parameter) => ({
          parameter,
          points: [2, 4, 8].map((value) => ({ value, correct: [value * 10, value * 9], total: 100 })),
        })),
        traces: [
          {
            layer: 'conv0',
            opType: 'Conv',
            output: [0, 1, 2, 3],
            sample: 0,
            inputGrid: digits,
            weights: digits,
            products: [
              {
                channel: 0,
                tap: [0, 1],
                isPadding: true,
                inputCode: 3,
                weightCode: 5,
                product: 0,
                sum: 0,
                bits: 1,
              },
              {
                channel: 1,
                tap: [0, 0],
                isPadding: false,
                inputCode: 7,
                weightCode: 8,
                product: 20,
                sum: 20,
                bits: 6,
              },
            ],
            zeroPointTerms: { raw: 71, inputZero: 39, weightZero: 30, both: 18 },
            accumulator: 20,
            held: 20,
            accumulatorBits: 18,
            bias: 4,
            biased: 24,
            requantize: { kind: 'float', multiplier: '0.25' },
            unrounded: 6,
            code: 6,
            range: [0, 15],
            value: 3,
            exact: 3.1,
          },
        ],
      },
    ],
    models: [],
  });
}
