import { BitwrightError } from '@bitwright/core';
import type { GraphModule, OpNode } from '@bitwright/graph';
import { encodeModel, type ModelProto, type OperatorSetIdProto } from '@bitwright/onnx';
import { emitGraph } from './emit-graph.js';
import { emitProperties, keptText, normalDomain, replaced } from './messages.js';

/** How a model is written. */
export interface EmitOptions {
  /**
   * What becomes of tensors that the captured file keeps in other files: `keep` (the default) refers to those files
   * again, `inline` reads them into the model.
   */
  readonly external?: 'keep' | 'inline';
}

/**
 * Turns a graph module into a model. What the module says wins; all else comes from the message that it was captured
 * from, so that an untouched module gives back its file.
 *
 * Operator sets that the file imported stay imported, new ones are written when an operator uses them. Initializers of a
 * file before IR version 4, which are declared as inputs there, are plain constants once the module has a newer version.
 * @throws EMIT_PRIVATE_OPERATOR, EMIT_OPSET_ABSENT or EMIT_VALUE_UNNAMED, naming the node.
 */
export function emitModel(module: GraphModule, options: EmitOptions = {}): ModelProto {
  const origin = (module.origin ?? {}) as ModelProto;
  const used = new Set<string>();
  const made = new Map<string, OpNode>();
  const graph = emitGraph(module.graph, {
    inlineExternal: options.external === 'inline',
    dropDefaultInputs: Number(origin.irVersion ?? 0) < 4 && module.irVersion >= 4,
    noteOperator: (node) => {
      used.add(node.domain);
      if (node.origin === undefined && !made.has(node.domain)) made.set(node.domain, node);
    },
  });
  return replaced(origin, {
    irVersion: Number(origin.irVersion ?? 0) === module.irVersion ? origin.irVersion : module.irVersion,
    opsetImport: emitOpsets(module, origin, used, made),
    producerName: keptText(origin.producerName, module.producerName),
    producerVersion: keptText(origin.producerVersion, module.producerVersion),
    metadataProps: emitProperties(module.metadataProps, origin.metadataProps ?? []),
    graph,
  });
}

/** The bytes of {@link emitModel}. @throws ONNX_TOO_LARGE beyond 2 GB: use {@link emitFiles}. */
export function emitBytes(module: GraphModule, options: EmitOptions = {}): Uint8Array {
  return encodeModel(emitModel(module, options));
}

/** @param made the first operator of each domain that no file had: only a file may leave out the version of a runtime's own domain. */
function emitOpsets(
  module: GraphModule,
  origin: ModelProto,
  used: ReadonlySet<string>,
  made: ReadonlyMap<string, OpNode>,
): OperatorSetIdProto[] {
  for (const [domain, node] of made) {
    if (module.opsets.has(domain)) continue;
    throw new BitwrightError({
      code: 'EMIT_OPSET_ABSENT',
      message: `The node '${node.displayName}' is a ${node.opType} of the domain '${domain || 'ai.onnx'}', for which the module states no version.`,
      hint: 'Set it with module.opsets.set(domain, version).',
      at: { node: node.displayName },
    });
  }
  const imported = origin.opsetImport ?? [];
  const before = new Map(imported.map((entry) => [normalDomain(entry.domain), Number(entry.version ?? 0)]));
  const entries: OperatorSetIdProto[] = [];
  for (const entry of imported) {
    const domain = normalDomain(entry.domain);
    const version = module.opsets.get(domain);
    if (version !== undefined) entries.push(version === before.get(domain) ? entry : { ...entry, version });
  }
  for (const [domain, version] of module.opsets) {
    // a model must state a version even where no operator needs it
    const isNeeded = used.has(domain) || domain === '';
    if (!before.has(domain) && isNeeded) entries.push({ domain, version });
  }
  return entries;
}
