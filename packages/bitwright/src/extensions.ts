import { BACKENDS, type BackendTable, SCHEMES } from '@bitwright/backends';
import { BitwrightError, describeThrown } from '@bitwright/core';
import { fusionRules } from '@bitwright/fusions';
import type { GraphModule } from '@bitwright/graph';
import {
  CORRECTIONS,
  type Correction,
  type LayerCorrection,
  type NetworkCorrection,
  OBSERVERS,
  type Observer,
  ROUNDINGS,
  type Rounded,
  type RoundingAlgorithm,
} from '@bitwright/quantize';
import type { Rule } from '@bitwright/rewrite';
import type { NoiseSource } from '@bitwright/simulate';
import type { OperatorDeclaration, Plugin } from './define-plugin.js';

/** What plugins add to one run. It is handed on from call to call: no registry keeps it. */
export interface Extensions {
  /** Every rule of the run: those of plugins, in the order of the plugins, then those that ship. */
  readonly rules: readonly Rule[];
  readonly backends: readonly BackendTable[];
  readonly observers: readonly Observer[];
  readonly roundings: readonly RoundingAlgorithm[];
  readonly corrections: readonly Correction[];
  readonly operators: readonly OperatorDeclaration[];
  readonly noiseSources: readonly NoiseSource[];
}

/**
 * Lays the parts of plugins beside those that ship. What a part throws while it runs becomes PLUGIN_FAILED or RULE_FAILED
 * with the plugin's name.
 *
 * @throws PLUGIN_NAME_TAKEN naming both sources of a name.
 */
export function extensionsOf(plugins: readonly Plugin[] = []): Extensions {
  assertNamesDiffer(plugins);
  return {
    rules: [
      ...plugins.flatMap(({ name, rules }) =>
        rules.map((rule): Rule => ({ ...rule, source: `the plugin '${name}'` })),
      ),
      ...fusionRules,
    ],
    backends: plugins.flatMap(({ backends }) => backends),
    observers: plugins.flatMap(({ name, observers }) => observers.map((it) => guardedObserver(name, it))),
    roundings: plugins.flatMap(({ name, roundings }) => roundings.map((it) => guardedRounding(name, it))),
    corrections: plugins.flatMap(({ name, corrections }) =>
      corrections.map((it) => guardedCorrection(name, it)),
    ),
    operators: plugins.flatMap(({ operators }) => operators),
    noiseSources: plugins.flatMap(({ name, noiseSources }) =>
      noiseSources.map((it) => guardedNoise(name, it)),
    ),
  };
}

/** Lets a model say which version of a plugin's domain it uses, where rules have made the first operator of that domain. */
export function declareDomains(module: GraphModule, operators: readonly OperatorDeclaration[]): void {
  if (operators.length === 0) return;
  const versions = new Map(operators.map(({ name, domainVersion }) => [domainOf(name), domainVersion]));
  for (const { domain } of module.graph.allOps()) {
    const version = versions.get(domain);
    if (version !== undefined && !module.opsets.has(domain)) module.opsets.set(domain, version);
  }
}

function domainOf(opName: string): string {
  return opName.slice(0, opName.lastIndexOf('.'));
}

function guardedObserver(plugin: string, observer: Observer): Observer {
  return {
    ...observer,
    range: (statistics, choice) => {
      const range = guarded(plugin, `observer '${observer.name}'`, () => observer.range(statistics, choice));
      if (Number.isFinite(range?.low) && Number.isFinite(range?.high) && range.low <= range.high)
        return range;
      throw failed(plugin, `observer '${observer.name}'`, `it gives the range ${JSON.stringify(range)}`);
    },
  };
}

type WithData = Extract<RoundingAlgorithm, { needsStatistics: true }>;
type WithoutData = Extract<RoundingAlgorithm, { needsStatistics: false }>;

function guardedRounding(plugin: string, algorithm: RoundingAlgorithm): RoundingAlgorithm {
  const guard = async (run: () => Promise<Rounded>): Promise<Rounded> => {
    try {
      return await run();
    } catch (thrown) {
      throw failed(plugin, `rounding '${algorithm.name}'`, describeThrown(thrown), thrown);
    }
  };
  if (algorithm.needsStatistics) {
    const round: WithData['round'] = (...args) => guard(() => algorithm.round(...args));
    return { ...algorithm, round };
  }
  const round: WithoutData['round'] = (...args) => guard(() => algorithm.round(...args));
  return { ...algorithm, round };
}

function guardedCorrection(plugin: string, correction: Correction): Correction {
  const part = `correction '${correction.name}'`;
  if (correction.stage === 'network') {
    const correct: NetworkCorrection['correct'] = async (...args) => {
      try {
        return await correction.correct(...args);
      } catch (thrown) {
        throw failed(plugin, part, describeThrown(thrown), thrown);
      }
    };
    return { ...correction, correct };
  }
  const correct: LayerCorrection['correct'] = (rounded, evidence) => {
    const found = guarded(plugin, part, () => correction.correct(rounded, evidence));
    const { groups, rows } = rounded.layer;
    if (typeof found === 'string' || (found.length === groups * rows && found.every(Number.isFinite)))
      return found;
    throw failed(plugin, part, 'it gives no finite number for each output channel');
  };
  return { ...correction, correct };
}

function guardedNoise(plugin: string, source: NoiseSource): NoiseSource {
  const part = `noise source '${source.name}'`;
  return {
    ...source,
    fill: (target, parameters, gaussian) => {
      guarded(plugin, part, () => source.fill(target, parameters, gaussian));
      const at = target.findIndex((value) => !Number.isFinite(value));
      if (at >= 0) throw failed(plugin, part, `it writes ${target[at]}, which is no finite number`);
    },
  };
}

function guarded<T>(plugin: string, part: string, run: () => T): T {
  try {
    return run();
  } catch (thrown) {
    throw failed(plugin, part, describeThrown(thrown), thrown);
  }
}

function failed(plugin: string, part: string, why: string, cause?: unknown): BitwrightError {
  return new BitwrightError({
    code: 'PLUGIN_FAILED',
    message: `The ${part} of the plugin '${plugin}' failed: ${why}.`,
    hint: 'This is a defect of the plugin. Leave it out, or tell its author; nothing was written.',
    ...(cause !== undefined && { cause }),
  });
}

/** What ships and can be called by a name, by kind. */
const SHIPPED = [
  ['rule', fusionRules],
  ['backend', [...BACKENDS, ...SCHEMES.map((name) => ({ name }))]],
  ['observer', OBSERVERS],
  ['rounding', ROUNDINGS],
  ['correction', CORRECTIONS],
] as const;

function assertNamesDiffer(plugins: readonly Plugin[]): void {
  const owners = new Map<string, string>();
  const take = (kind: string, name: string, owner: string): void => {
    const key = `${kind} ${name}`;
    const other = owners.get(key);
    if (other !== undefined && other !== owner) throw taken(kind, name, other, owner);
    if (other !== undefined && owner !== BITWRIGHT) throw taken(kind, name, other, `${owner} once more`);
    owners.set(key, owner);
  };
  for (const [kind, parts] of SHIPPED) for (const { name } of parts) take(kind, name, BITWRIGHT);
  for (const [i, plugin] of plugins.entries()) {
    const owner = `the plugin '${plugin.name}'`;
    take('plugin', plugin.name, `the plugin that was given as number ${i + 1}`);
    for (const { name } of plugin.rules) take('rule', name, owner);
    for (const { name } of plugin.backends) take('backend', name, owner);
    for (const { name } of plugin.observers) take('observer', name, owner);
    for (const { name } of plugin.roundings) take('rounding', name, owner);
    for (const { name } of plugin.corrections) take('correction', name, owner);
    for (const { name } of plugin.operators) take('operator', name, owner);
    for (const { name } of plugin.noiseSources) take('noise source', name, owner);
  }
}

const BITWRIGHT = 'Bitwright itself';

function taken(kind: string, name: string, first: string, second: string): BitwrightError {
  return new BitwrightError({
    code: 'PLUGIN_NAME_TAKEN',
    message: `The ${kind} '${name}' comes from ${first} and from ${second}.`,
    hint: 'Leave one of them out; authors put a word of their own in front of their names.',
  });
}
