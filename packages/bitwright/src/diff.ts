import { type DiffDocument, diffGraphs, diffOutputs } from '@bitwright/analyze';
import type { GraphModule } from '@bitwright/graph';
import { openOrtNode } from '@bitwright/runtime';
import { openDataInput } from './data-input.js';
import { conventionOf } from './metadata.js';
import { inputSpecs, loadModel, type ModelInput, modelName } from './model-file.js';
import { type DataInput, positiveInteger } from './quantize-options.js';
import { liftModel } from './requantize.js';
import type { RunHooks } from './run-hooks.js';

/** What two models are compared on. */
export interface DiffOptions {
  /** Samples that both models are run on, to compare what their layers make of them. */
  readonly data?: DataInput;
  /** Uses the first so many samples; 64 by default. */
  readonly samples?: number;
  /** The output that holds the logits, where a model has several. */
  readonly output?: string;
}

/**
 * Compares two models, usually two quantizations of one: what was decided for each layer, every scale and zero point, the
 * weight codes, and with data what each layer's result differs by. A float model counts as one whose layers are all float.
 *
 * @throws BitwrightError when a model or the data can't be read.
 */
export async function diff(
  first: ModelInput,
  second: ModelInput,
  options: DiffOptions = {},
  hooks: RunHooks = {},
): Promise<DiffDocument> {
  const samples = positiveInteger('--samples', options.samples ?? 64);
  const files = [first, second].map((model) => loadModel(model)) as [GraphModule, GraphModule];
  const conventions = files.map(conventionOf);
  const lifted = [first, second].map((model) => {
    const module = loadModel(model);
    liftModel(module, modelName(model));
    return module;
  });
  const layers = diffGraphs(lifted[0]!.graph, lifted[1]!.graph);
  const found =
    options.data === undefined
      ? undefined
      : await diffOutputs(
          ...files,
          layers.filter(({ status }) => !status.startsWith('only')).map(({ name }) => name),
          {
            open: hooks.open ?? openOrtNode,
            data: await openDataInput(options.data, inputSpecs(files[0]), { samples }),
            ...(options.output !== undefined && { output: options.output }),
            ...(hooks.onProgress && {
              onProgress: (done, total) => hooks.onProgress!('comparing', done, total),
            }),
            ...(hooks.signal && { signal: hooks.signal }),
          },
        );
  return {
    kind: 'bitwright.diff',
    version: 1,
    first: { path: modelName(first), convention: conventions[0]! },
    second: { path: modelName(second), convention: conventions[1]! },
    equal: layers.every(({ status }) => status === 'same'),
    settings: settingChanges(...files),
    layers: layers.map((layer) => {
      const sqnr = found?.layers.get(layer.name);
      return sqnr === undefined ? layer : { ...layer, sqnr };
    }),
    ...(found && { outputs: found.outputs }),
  };
}

/** The settings in the files' metadata that differ. */
function settingChanges(first: GraphModule, second: GraphModule): DiffDocument['settings'] {
  const keys = new Set([...first.metadataProps.keys(), ...second.metadataProps.keys()]);
  return [...keys]
    .filter((key) => key.startsWith('bitwright.') && key !== 'bitwright.layers')
    .map((key) => ({
      key: key.slice('bitwright.'.length),
      first: first.metadataProps.get(key) ?? '',
      second: second.metadataProps.get(key) ?? '',
    }))
    .filter((setting) => setting.first !== setting.second);
}
