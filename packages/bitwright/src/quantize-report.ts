import { digest, type ReportDocument, readPageAssets, renderReport } from '@bitwright/analyze';
import { BitwrightError } from '@bitwright/core';
import { assertWritable, writeFileAtomically } from '@bitwright/core/node';
import { formatBits } from '@bitwright/quantize';
import { buildReport } from './build-report.js';
import { openDataInput } from './data-input.js';
import { inputSpecs, loadModel, modelBytes } from './model-file.js';
import { type QuantizeResult, quantize } from './quantize.js';
import {
  assertFront,
  type FrontModel,
  type FrontResult,
  listed,
  quantizePoints,
  writePoints,
} from './quantize-front.js';
import { type DataInput, missingData, type QuantizeOptions } from './quantize-options.js';
import type { RunHooks } from './run-hooks.js';
import { SharedWork } from './shared-work.js';
import { assertModelWritable, writeModel } from './write-model.js';

/** Calibration samples on which the noise of the layers is measured. */
const NOISE_SAMPLES = 16;

/** The report that goes with a quantization. */
export interface ReportRequest {
  /** Path of the HTML file; its JSON twin has the same name with `.json`. */
  readonly path: string;
  /** The command line that the report shows for making it again. */
  readonly command: string;
}

/**
 * Quantizes a model as `quantize` does, and writes a report of it: one HTML file with plots, and its JSON twin.
 *
 * @param model the path of an ONNX file.
 * @throws BitwrightError; neither the model nor the report is written then.
 */
export async function quantizeWithReport(
  model: string,
  options: QuantizeOptions & { readonly data?: DataInput; readonly front?: string },
  report: ReportRequest,
  hooks: RunHooks = {},
): Promise<QuantizeResult & Partial<Pick<FrontResult, 'front'>>> {
  const { output, front, ...rest } = options;
  if (options.data === undefined) throw missingData();
  assertModelWritable(options);
  assertReportPath(report.path);
  const withFront = front === undefined ? undefined : { ...rest, front };
  if (withFront !== undefined) assertFront(withFront);
  const shared = new SharedWork();
  const result = await quantize(model, rest, hooks, shared);
  // methods that go layer by layer do not observe the float network
  if (!shared.hasObservations) {
    const { saveRanges: _saveRanges, requantize: _requantize, rounding: _rounding, ...more } = rest;
    const { budget: _budget, evaluation: _evaluation, maxDrop: _maxDrop, ...fast } = more;
    await quantize(model, { ...fast, bits: formatBits(result.bits), method: 'fast' }, hooks, shared);
  }
  const models = withFront ? await quantizePoints(model, withFront, result, hooks, shared) : [];
  const made = { result, models, shared, command: report.command };
  const document = await documentOf(model, options.data, made);
  const page = await renderReport(document, readPageAssets());
  hooks.signal?.throwIfAborted();
  if (output !== undefined) writeModel(output, result);
  if (front !== undefined) writePoints(front, models);
  writeFileAtomically(twinOf(report.path), `${JSON.stringify(document)}\n`);
  writeFileAtomically(report.path, page);
  const { promotions } = document.models[0]!.variants[0]!;
  return {
    ...result,
    ...(output !== undefined && { output }),
    ...(front !== undefined && { front: listed(models) }),
    ...(promotions && { promotions }),
  };
}

/** Refuses a path that is no page's: its twin could be the same file. @throws OPTION_VALUE (wrong usage), OUTPUT_UNWRITABLE. */
export function assertReportPath(path: string): void {
  if (/\.html?$/i.test(path)) {
    assertWritable(path, '--report');
    return;
  }
  throw new BitwrightError({
    code: 'OPTION_VALUE',
    message: `--report is '${path}', and a report is an HTML page with its JSON twin beside it.`,
    hint: `Write for example --report ${path.replace(/(\.[^./\\]*)?$/, '.html')}.`,
    at: { option: '--report' },
    kind: 'usage',
  });
}

/** The path of a report's JSON twin. */
export function twinOf(path: string): string {
  return path.replace(/\.html?$/i, '.json');
}

async function documentOf(
  model: string,
  input: DataInput,
  made: {
    readonly result: QuantizeResult;
    readonly models: readonly FrontModel[];
    readonly shared: SharedWork;
    readonly command: string;
  },
): Promise<ReportDocument> {
  const { result, models, shared, command } = made;
  const specs = inputSpecs(loadModel(model));
  const { name, synthetic } = await openDataInput(input, specs, { samples: result.samples });
  const data = await openDataInput(input, specs, { samples: NOISE_SAMPLES });
  const bytes = modelBytes(model);
  const { accuracy } = result;
  const counts = (score: { readonly correct: number; readonly total: number }) => ({
    correct: score.correct,
    total: score.total,
  });
  return buildReport(
    [
      {
        path: model,
        sha256: await digest(bytes),
        bytes: bytes.length,
        ...(accuracy && { float: counts(accuracy.float) }),
        variants: [{ result, ...(accuracy && { accuracy: counts(accuracy.quantized) }) }],
        front: models,
        shared,
        data,
      },
    ],
    {
      title: `${model} at ${formatBits(result.bits)}, scheme ${result.scheme}, method ${result.method}`,
      command,
      data: [{ role: 'calibration', name, samples: result.samples, synthetic }],
    },
  );
}
