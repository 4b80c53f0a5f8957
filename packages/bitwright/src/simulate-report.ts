import {
  digest,
  type ReportDocument,
  readPageAssets,
  renderReport,
  reportDocument,
} from '@bitwright/analyze';
import { writeFileAtomically } from '@bitwright/core/node';
import { type OutputTrace, traceOutput } from '@bitwright/simulate';
import { openDataInput } from './data-input.js';
import { interpretSamples, loadInteger } from './integer-model.js';
import { inputSpecs, modelBytes } from './model-file.js';
import { loadHardware } from './node/load-hardware.js';
import { versions } from './node/versions.js';
import { assertReportPath, type ReportRequest, twinOf } from './quantize-report.js';
import { loadQuantized } from './quantized-model.js';
import type { RunHooks } from './run-hooks.js';
import {
  CALIBRATION_SAMPLES,
  type ModelSimulation,
  type SimulateModelOptions,
  simulateModel,
} from './simulate-model.js';

/**
 * Simulates a model as `simulate` does, and writes a report of it: sensitivity curves (the standard ones where none are asked for),
 * accumulators and noise of each layer, and the arithmetic of one output; one HTML file and its JSON twin.
 *
 * @param model the path of a quantized file.
 * @throws BitwrightError; no report is written then.
 */
export async function simulateWithReport(
  model: string,
  options: SimulateModelOptions,
  report: ReportRequest,
  hooks: RunHooks = {},
): Promise<ModelSimulation> {
  assertReportPath(report.path);
  const result = await simulateModel(model, { sweeps: 'standard', ...options }, hooks);
  const document = await documentOf(model, options, result, report.command);
  const page = await renderReport(document, readPageAssets());
  hooks.signal?.throwIfAborted();
  writeFileAtomically(twinOf(report.path), `${JSON.stringify(document)}\n`);
  writeFileAtomically(report.path, page);
  return result;
}

async function documentOf(
  model: string,
  options: SimulateModelOptions,
  result: ModelSimulation,
  command: string,
): Promise<ReportDocument> {
  const { hardware: named } = options;
  const hardware = typeof named === 'string' ? await loadHardware(named) : named;
  const { correct, total, mean, deviation, engine, convention, layers, float, sweeps } = result;
  const { name, description, sources } = hardware;
  return reportDocument.parse({
    kind: 'bitwright.report',
    version: 1,
    title: `${model} on ${name}`,
    reproduce: {
      command,
      versions: versions(),
      models: [{ path: model, sha256: await digest(modelBytes(model)) }],
      data: await dataOf(model, options, total),
    },
    simulations: [
      {
        model,
        hardware: { name, description, sources, json: JSON.stringify(hardware, undefined, 2) },
        ...{ convention, engine, correct, total, mean, deviation, layers, float },
        curves: sweeps,
        traces: float.length > 0 ? [] : [await firstTrace(model, options)],
      },
    ],
    models: [],
  });
}

/** What the samples were: which are evaluated, and which set the ranges of converters. */
async function dataOf(
  model: string,
  { evaluation, data }: SimulateModelOptions,
  total: number,
): Promise<ReportDocument['reproduce']['data']> {
  const specs = inputSpecs(loadQuantized(model).module);
  const evaluated = await openDataInput(evaluation, specs);
  const all: ReportDocument['reproduce']['data'] = [
    { role: 'evaluation', name: evaluated.name, samples: total, synthetic: evaluated.synthetic },
  ];
  if (data === undefined) return all;
  const calibrating = await openDataInput(data, specs, { samples: CALIBRATION_SAMPLES });
  const { name, synthetic } = calibrating;
  return [...all, { role: 'calibration', name, samples: CALIBRATION_SAMPLES, synthetic }];
}

/** The output in the middle of the first layer, for the first sample that is evaluated: the digital sum, without analog parts. */
async function firstTrace(
  model: string,
  options: SimulateModelOptions,
): Promise<OutputTrace & { readonly sample: number }> {
  const integer = await loadInteger(model, options.hardware);
  const run = await interpretSamples(integer, options.evaluation, 0, 1);
  const layer = integer.network.steps.find(({ kind }) => kind === 'dot')!;
  const { dims } = run.accumulators.get(layer.output)!;
  const output = dims.map((dim, axis) => (axis === 0 ? 0 : Math.floor(dim / 2)));
  return { ...traceOutput(integer.network, run, layer.name, output), sample: 0 };
}
