import { BitwrightError, type Diagnostic } from '@bitwright/core';
import type { GraphModule, OpNode } from '@bitwright/graph';
import type { FunctionProto, ModelProto } from '@bitwright/onnx';
import { irVersionOfOpset, LATEST_OPSET, normalDomain } from '../versions.js';
import { ADAPTERS } from './adapters.js';
import { OPSET_HISTORY } from './opset-history.generated.js';
import { Upgrade } from './upgrade.js';

/** What an upgrade did. */
export interface OpsetUpgrade {
  /** The module that was given, changed in place. */
  readonly module: GraphModule;
  readonly from: number;
  readonly to: number;
  /** How many times a node was changed on the way. */
  readonly adapted: number;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Brings the standard operators of a model, bodies included, to a newer opset with the same meaning, and the IR version
 * to what that opset needs. A model that is at `target` or beyond stays as it is. Operators of other domains and
 * model-local functions, which import their own operator sets, are left alone; a function whose operators mean something
 * else at `target` stands in the way.
 *
 * @throws OPSET_NO_PATH naming operator, node and versions when a change has no adapter; the module must then be
 *   discarded (upgrade a clone to be safe). OPSET_UNKNOWN for a target that is not published.
 */
export function upgradeOpset(module: GraphModule, target: number): OpsetUpgrade {
  const from = module.opset;
  if (!Number.isInteger(target) || target < 1 || target > LATEST_OPSET) {
    throw new BitwrightError({
      code: 'OPSET_UNKNOWN',
      message: `There is no opset ${target} of ai.onnx.`,
      hint: `Take one from 1 to ${LATEST_OPSET}; 13, 21 and 25 are the ones that quantized models need.`,
      kind: 'usage',
    });
  }
  if (from >= target) return { module, from, to: from, adapted: 0, diagnostics: [] };
  const upgrade = new Upgrade(module, from, target);
  assertPath(upgrade);
  let adapted = 0;
  for (let version = from + 1; version <= target; version++) {
    upgrade.version = version;
    // A snapshot: what an adapter makes is of the new version already.
    for (const node of standardOps(module)) {
      const adapter = ADAPTERS[node.opType]?.[version];
      if (adapter === undefined || node.erased) continue;
      adapter(node, upgrade);
      adapted++;
    }
  }
  module.opsets.set('', target);
  module.irVersion = Math.max(module.irVersion, irVersionOfOpset(target));
  warnOfTraining(upgrade);
  return { module, from, to: target, adapted, diagnostics: upgrade.diagnostics };
}

function standardOps(module: GraphModule): OpNode[] {
  const functions = localFunctions(module);
  return [...module.graph.allOps()].filter((node) => node.domain === '' && !functions.has(node.opType));
}

/** Names of functions that the model itself defines in the standard domain. */
function localFunctions(module: GraphModule): Set<string> {
  return new Set(
    functionsOf(module)
      .filter(({ domain }) => normalDomain(domain) === '')
      .map(({ name }) => name ?? ''),
  );
}

function functionsOf(module: GraphModule): readonly FunctionProto[] {
  return ((module.origin ?? {}) as ModelProto).functions ?? [];
}

/** Refuses before the first edit what the tables alone refuse. */
function assertPath(upgrade: Upgrade): void {
  const { from, target } = upgrade;
  for (const node of standardOps(upgrade.module)) {
    const history = OPSET_HISTORY[node.opType];
    if (history === undefined) {
      upgrade.version = from + 1;
      upgrade.noPath(node, 'it is no operator of ai.onnx');
    }
    if ((history.versions[0] ?? 1) > from) {
      upgrade.warn(
        node,
        'OPSET_FOREIGN_OPERATOR',
        `the operator is none of ai.onnx ${from} and was left as it is`,
        'Check that the runtime knows it, with the same meaning, at the new opset too.',
      );
    }
    for (const version of history.breaking) {
      if (version <= from || version > target || ADAPTERS[node.opType]?.[version]) continue;
      upgrade.version = version;
      upgrade.noPath(node, 'the operator changed in a way that is not known here');
    }
  }
  for (const definition of functionsOf(upgrade.module)) assertFunction(definition, target);
}

/** ONNX wants that the operators of a function mean the same in the function's opset and in the model's. */
function assertFunction({ name, domain, opsetImport, node: nodes }: FunctionProto, target: number): void {
  const own = opsetImport?.find((entry) => normalDomain(entry.domain) === '')?.version;
  if (own === undefined) return;
  for (const node of nodes ?? []) {
    if (normalDomain(node.domain) !== '') continue;
    const changes = [
      ...(OPSET_HISTORY[node.opType ?? '']?.breaking ?? []),
      ...Object.keys(ADAPTERS[node.opType ?? ''] ?? {}),
    ];
    const change = changes.map(Number).find((version) => version > Number(own) && version <= target);
    if (change === undefined) continue;
    throw new BitwrightError({
      code: 'OPSET_NO_PATH',
      message: `The function '${domain ?? ''}:${name ?? ''}' of the model is written for opset ${own} and uses ${node.opType}, which changed at ${change} (upgrade to ${target}).`,
      hint: 'Inline the functions of the model first, or keep it at its opset.',
      at: { node: node.name || node.output?.[0] || '' },
    });
  }
}

function warnOfTraining(upgrade: Upgrade): void {
  const { trainingInfo } = (upgrade.module.origin ?? {}) as ModelProto;
  if (trainingInfo === undefined) return;
  upgrade.diagnostics.push({
    code: 'OPSET_TRAINING_LEFT',
    severity: 'warning',
    message: `The model's training graphs were not upgraded to opset ${upgrade.target}; only its inference graph was.`,
    hint: 'Remove the training information if nobody needs it.',
    at: {},
  });
}
