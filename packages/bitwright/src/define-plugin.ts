import type { BackendTable } from '@bitwright/backends';
import { BitwrightError, didYouMean } from '@bitwright/core';
import type { Correction, Observer, RoundingAlgorithm } from '@bitwright/quantize';
import type { Rule } from '@bitwright/rewrite';
import type { NoiseSource } from '@bitwright/simulate';

/** The version of what plugins can rely on; it grows when something that they use changes. */
export const PLUGIN_API_VERSION = 1;

/** An operator of a domain of the plugin's own, so that files can say which version of the domain they use. */
export interface OperatorDeclaration {
  /** `domain.OpType`, as patterns spell it. */
  readonly name: string;
  /** The version of the domain that is written into models which had none. */
  readonly domainVersion: number;
}

/** What a plugin is made of. */
export interface PluginInit {
  /** Unique among the plugins of a run: the package's name, or a word. */
  readonly name: string;
  /** The version of {@link PLUGIN_API_VERSION} that the plugin was written for. */
  readonly apiVersion: number;
  /** Tried before the rules that ship, in this order. */
  readonly rules?: readonly Rule[];
  /** Tables that `--backend` and `extends` know by name. */
  readonly backends?: readonly BackendTable[];
  /** Choosers of ranges that `--observer` knows by name. */
  readonly observers?: readonly Observer[];
  /** Rounding algorithms that `--rounding` knows by name. */
  readonly roundings?: readonly RoundingAlgorithm[];
  /** Corrections of quantization error that `--correct` knows by name. */
  readonly corrections?: readonly Correction[];
  readonly operators?: readonly OperatorDeclaration[];
  /** Sources of noise that hardware descriptions of `simulate` name. */
  readonly noiseSources?: readonly NoiseSource[];
}

/** A plugin whose parts were looked at. */
export interface Plugin extends Required<PluginInit> {}

const LISTS = [
  'rules',
  'backends',
  'observers',
  'roundings',
  'corrections',
  'operators',
  'noiseSources',
] as const;

const KEYS = ['name', 'apiVersion', ...LISTS] as const;

/** What each part must have to be one, by list. */
const PARTS: Readonly<Record<(typeof LISTS)[number], readonly (readonly [key: string, type: string])[]>> = {
  rules: [
    ['pattern', 'object'],
    ['where', 'function'],
    ['rewrite', 'function'],
  ],
  backends: [['entries', 'object']],
  observers: [['range', 'function']],
  roundings: [['round', 'function']],
  corrections: [
    ['stage', 'string'],
    ['correct', 'function'],
  ],
  operators: [['domainVersion', 'number']],
  noiseSources: [['fill', 'function']],
};

/**
 * Makes a plugin: rules, tables, observers, rounding algorithms, corrections, operators and sources of noise under one name.
 *
 * @throws PLUGIN_INVALID naming the plugin and the part that is wrong, PLUGIN_API for another version of the interface.
 */
export function definePlugin(init: PluginInit): Plugin {
  const { name } = init;
  if (typeof name !== 'string' || name === '') throw invalid('A plugin', 'has no name', "Give it a 'name'.");
  const who = `The plugin '${name}'`;
  assertVersion(who, init.apiVersion);
  for (const key of Object.keys(init))
    if (!(KEYS as readonly string[]).includes(key))
      throw invalid(who, `has a part '${key}', which does not exist`, didYouMean(key, KEYS));
  for (const list of LISTS) assertParts(who, list, init[list] ?? []);
  const {
    rules = [],
    backends = [],
    observers = [],
    roundings = [],
    corrections = [],
    operators = [],
    noiseSources = [],
  } = init;
  return Object.freeze({
    name,
    apiVersion: init.apiVersion,
    rules,
    backends,
    observers,
    roundings,
    corrections,
    operators,
    noiseSources,
  });
}

function assertVersion(who: string, version: unknown): void {
  if (version === PLUGIN_API_VERSION) return;
  const found = version === undefined ? 'no version' : `version ${String(version)}`;
  throw new BitwrightError({
    code: 'PLUGIN_API',
    message: `${who} is written for ${found} of the plugin interface, and this is version ${PLUGIN_API_VERSION}.`,
    hint: `Write apiVersion: ${PLUGIN_API_VERSION} when the plugin is made for it; else take a release of the plugin that is.`,
  });
}

function assertParts(who: string, list: (typeof LISTS)[number], parts: unknown): void {
  if (!Array.isArray(parts)) throw invalid(who, `has '${list}' that is no list`, `Write ${list}: [...].`);
  for (const [i, part] of (parts as unknown[]).entries()) {
    const place = `${list}[${i}]`;
    if (typeof part !== 'object' || part === null)
      throw invalid(who, `has no object at ${place}`, 'Correct it.');
    const fields = part as Readonly<Record<string, unknown>>;
    for (const [key, type] of [['name', 'string'], ...PARTS[list]] as const) {
      const value = fields[key];
      if (typeof value === type && value !== null && value !== '') continue;
      const hint = list === 'rules' ? 'Make it with defineRule.' : `Give it a ${key} of type ${type}.`;
      throw invalid(who, `has a part without '${key}' at ${place}`, hint);
    }
    if (list === 'operators' && !String(fields['name']).includes('.'))
      throw invalid(who, `declares '${String(fields['name'])}' without a domain`, "Write 'domain.OpType'.");
  }
}

function invalid(who: string, what: string, hint: string): BitwrightError {
  return new BitwrightError({ code: 'PLUGIN_INVALID', message: `${who} ${what}.`, hint });
}
