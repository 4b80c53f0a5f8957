import { emitBytes } from '@bitwright/emit';
import {
  type ExportedIntegers,
  emitNetwork,
  encodeNpz,
  exportIntegers,
  type HardwareConfig,
  writeC,
  writeMemh,
} from '@bitwright/simulate';
import { type IntegerModel, interpretSamples, loadInteger } from './integer-model.js';
import { loadModel, type ModelInput, modelName } from './model-file.js';
import { writeFolder } from './node/write-folder.js';
import { type DataInput, oneOf } from './quantize-options.js';
import { loadQuantized } from './quantized-model.js';
import { liftModel, rewriteInDialect } from './requantize.js';

/** The forms that a quantized model can be exported in. */
export const EXPORT_FORMS = [
  'integers',
  'integer-onnx',
  'c',
  'memh',
  'qdq',
  'qcdq',
  'native',
  'qonnx',
] as const;

/** How a model is exported. */
export interface ExportModelOptions {
  /** The folder that the files go to. */
  readonly to: string;
  readonly as?: (typeof EXPORT_FORMS)[number];
  /** What the integers are for; exact 32-bit sums by default. */
  readonly hardware?: string | HardwareConfig;
  /** Samples whose inputs, accumulators and outputs are exported as golden vectors. */
  readonly data?: DataInput;
  /** How many of them; 1 by default. */
  readonly samples?: number;
}

/** What an export wrote. */
export interface ModelExport {
  readonly as: string;
  readonly hardware?: string;
  readonly files: readonly string[];
}

/** Writes a quantized model in another form: integers with golden vectors, C, memory images, integer ONNX, or a dialect. */
export async function exportModel(model: ModelInput, options: ExportModelOptions): Promise<ModelExport> {
  const form = oneOf('--as', options.as ?? 'integers', EXPORT_FORMS);
  if (form === 'qdq' || form === 'qcdq' || form === 'native' || form === 'qonnx') {
    loadQuantized(model);
    const lifted = liftModel(loadModel(model), modelName(model))!;
    rewriteInDialect(lifted, { dialect: form });
    return written(options.to, form, undefined, new Map([['model.onnx', emitBytes(lifted.module)]]));
  }
  const integer = await loadInteger(model, options.hardware);
  if (form === 'integer-onnx') {
    const { bytes } = emitNetwork(integer.network);
    return written(options.to, form, integer.hardware, new Map([['model.onnx', bytes]]));
  }
  const exported = await integersOf(integer, model, options);
  return written(options.to, form, integer.hardware, filesOf(form, exported));
}

async function integersOf(
  integer: IntegerModel,
  model: ModelInput,
  options: ExportModelOptions,
): Promise<ExportedIntegers> {
  const samples = options.data === undefined ? 0 : (options.samples ?? 1);
  const golden =
    options.data === undefined ? undefined : await interpretSamples(integer, options.data, 0, samples);
  return exportIntegers(integer.network, {
    model: modelName(model),
    hardware: integer.hardware,
    samples,
    ...(golden && { golden }),
  });
}

function filesOf(
  form: 'integers' | 'c' | 'memh',
  exported: ExportedIntegers,
): Map<string, Uint8Array | string> {
  const files = new Map<string, Uint8Array | string>([
    ['manifest.json', `${JSON.stringify(exported.manifest, undefined, 2)}\n`],
  ]);
  if (form === 'integers') files.set('integers.npz', encodeNpz(exported.arrays));
  if (form === 'c') files.set('network.h', writeC(exported));
  if (form === 'memh') for (const [name, text] of writeMemh(exported)) files.set(name, text);
  return files;
}

function written(
  folder: string,
  form: string,
  hardware: string | undefined,
  files: ReadonlyMap<string, Uint8Array | string>,
): ModelExport {
  const paths = writeFolder(folder, files);
  return { as: form, ...(hardware !== undefined && { hardware }), files: paths };
}
