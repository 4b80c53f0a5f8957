import type { ByteSourceResolver } from '@bitwright/core';
import { GraphModule } from '@bitwright/graph';
import { decodeModel, type ModelProto } from '@bitwright/onnx';
import { captureGraph } from './capture-graph.js';
import { failModel } from './model-errors.js';
import { LATEST_IR_VERSION, normalDomain } from './versions.js';

/** How a model is captured. */
export interface CaptureOptions {
  /** How messages call the model, e.g. its path. */
  readonly name?: string;
  /** Finds the files that hold external data; needed only when such a tensor is read. */
  readonly resolveExternal?: ByteSourceResolver;
}

/**
 * Turns a model (or the bytes of a file) into a graph module that shares the tensors' bytes.
 *
 * Nothing is lost: what the graph has no field for lives on in the `origin` slots, from which emission takes it back.
 * @throws MODEL_GRAPH_ABSENT, MODEL_IR_VERSION, MODEL_OPSET_ABSENT, MODEL_NAME_ABSENT, MODEL_NAME_DUPLICATE,
 *   MODEL_ATTRIBUTE_DUPLICATE, MODEL_OP_TYPE_ABSENT, MODEL_VALUE_UNDEFINED, MODEL_NOT_SORTED or MODEL_CYCLE, naming the
 *   node and the value; for bytes also the codes of `decodeModel`.
 */
export function captureModel(model: ModelProto | Uint8Array, options: CaptureOptions = {}): GraphModule {
  const proto = model instanceof Uint8Array ? decodeModel(model, options.name) : model;
  const file = options.name;
  if (proto.graph === undefined) {
    failModel('MODEL_GRAPH_ABSENT', 'The model has no graph.', 'Export the model again.', { file });
  }
  const irVersion = checkedIrVersion(proto, file);
  const opsets = opsetsOf(proto, file);
  const module = new GraphModule(
    captureGraph(proto.graph, {
      file,
      resolve: options.resolveExternal,
      importsStandard: opsets.has(''),
    }),
  );
  module.irVersion = irVersion;
  for (const [domain, version] of opsets) module.opsets.set(domain, version);
  for (const { key, value } of proto.metadataProps ?? []) module.metadataProps.set(key ?? '', value ?? '');
  module.producerName = proto.producerName ?? '';
  module.producerVersion = proto.producerVersion ?? '';
  module.origin = proto;
  return module;
}

function checkedIrVersion(proto: ModelProto, file: string | undefined): number {
  const version = Number(proto.irVersion ?? 0);
  if (version >= 1 && version <= LATEST_IR_VERSION) return version;
  return failModel(
    'MODEL_IR_VERSION',
    version > LATEST_IR_VERSION
      ? `The model is of IR version ${version}, newer than the newest known one (${LATEST_IR_VERSION}).`
      : `The model states no valid IR version (${version}).`,
    'Export the model for a published version of ONNX.',
    { file },
  );
}

function opsetsOf(proto: ModelProto, file: string | undefined): Map<string, number> {
  const opsets = new Map<string, number>();
  for (const { domain, version } of proto.opsetImport ?? []) {
    opsets.set(normalDomain(domain), Number(version ?? 0));
  }
  if (opsets.size > 0) return opsets;
  return failModel(
    'MODEL_OPSET_ABSENT',
    'The model imports no operator set, so that the meaning of its operators is not stated.',
    'It was written before ONNX 1.0 or by a faulty exporter: export it again, or add the opset_import it was made for.',
    { file },
  );
}
