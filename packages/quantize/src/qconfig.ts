import { ALL_WIDTHS, type BiasForm } from '@bitwright/backends';
import { BitwrightError, didYouMean } from '@bitwright/core';
import type { Graph, OpNode } from '@bitwright/graph';
import {
  type LayerPosition,
  type LayerPositions,
  layerPositions,
  parseDepthRange,
} from './layer-positions.js';
import { namePattern } from './name-pattern.js';
import { operatorName } from './operand-roles.js';
import { type ParsedOverride, parseOverride, type QConfigOverride } from './qconfig-override.js';

/** Widths of weights and activations. */
export interface Bits {
  readonly weights: number;
  readonly activations: number;
}

/** How one layer is quantized. */
export interface QConfig extends Bits {
  readonly symmetricWeights: boolean;
  readonly perChannel: boolean;
  /** Activations with zero point 0 on a signed grid where they have two sides. */
  readonly symmetricActivations: boolean;
  readonly reduceRange: boolean;
  readonly powerOfTwo: boolean;
  readonly bias: BiasForm;
  /** Weights are rounded so that no input overflows a signed register of so many bits. */
  readonly accumulatorBits?: number;
}

/** Chooses layers by a predicate; in the API alone, since a configuration in JSON holds no functions. */
export interface QConfigSelector {
  /** Name for messages. */
  readonly name: string;
  readonly where: (node: OpNode, position: LayerPosition) => boolean;
  readonly config: QConfigOverride;
}

/**
 * Overrides, the strongest first: by tensor name (widths alone), by node name, by glob with `*` or /regular expression/, by
 * predicate, for the first and the last layer with weights, by depth, by operator type.
 */
export interface QConfigMapping {
  readonly tensors?: Readonly<Record<string, string>>;
  readonly names?: Readonly<Record<string, QConfigOverride>>;
  readonly select?: readonly QConfigSelector[];
  readonly first?: QConfigOverride;
  readonly last?: QConfigOverride;
  /** By how many layers with weights lie before: `1`, `2..4`, `..3`, `5..`, and from the end `-1`. */
  readonly depths?: Readonly<Record<string, QConfigOverride>>;
  readonly opTypes?: Readonly<Record<string, QConfigOverride>>;
}

/**
 * Reads `W4A4`, `W2A8` or `8` (both).
 *
 * @throws BITS_INVALID (wrong usage) for widths other than 2..8 and 16.
 */
export function parseBits(text: string, option = '--bits'): Bits {
  const match = /^(?:[Ww](\d+)[Aa](\d+)|(\d+))$/.exec(text.trim());
  const widths = match === null ? [] : [match[1] ?? match[3], match[2] ?? match[3]].map(Number);
  const wrong = widths.find((width) => !(ALL_WIDTHS as readonly number[]).includes(width));
  if (widths.length === 2 && wrong === undefined) return { weights: widths[0]!, activations: widths[1]! };
  throw new BitwrightError({
    code: 'BITS_INVALID',
    message:
      wrong === undefined
        ? `'${text}' is not a bitwidth.`
        : `'${text}' asks for ${wrong} bits, which does not exist here.`,
    hint: 'Write W4A4, W2A8 or 8; widths are 2, 3, 4, 5, 6, 7, 8 and 16.',
    at: { option },
    kind: 'usage',
  });
}

/** `W4A8` for a pair of widths. */
export function formatBits(bits: Bits): string {
  return `W${bits.weights}A${bits.activations}`;
}

/** One override with how to tell whether an operator is meant. */
interface Selection {
  /** As messages call it. */
  readonly key: string;
  readonly kind: 'node' | 'predicate' | 'layer' | 'depth' | 'operator type';
  readonly override: ParsedOverride;
  readonly matches: (node: OpNode, position: LayerPosition) => boolean;
}

/** Decides each layer's configuration: tensor > node name > glob or expression > predicate > first and last > depth > operator type > global. */
export class QConfigResolver {
  /** In order of precedence. */
  readonly #selections: readonly Selection[];
  readonly #tensors = new Map<string, Bits | 'float'>();
  readonly #positions = new WeakMap<Graph, LayerPositions>();
  #deepest = 0;

  constructor(
    private readonly base: QConfig,
    mapping: QConfigMapping = {},
    keepFloat: readonly string[] = [],
  ) {
    this.#selections = [
      ...byName(mapping, keepFloat),
      ...byPredicate(mapping),
      ...byPlace(mapping),
      ...byDepth(mapping, () => this.#deepest),
      ...byOpType(mapping),
    ];
    for (const [key, text] of Object.entries(mapping.tensors ?? {}))
      this.#tensors.set(key, text === 'float' ? text : parseBits(text, `mapping ${key}`));
  }

  /** Every pair of widths that some layer may get. */
  allBits(): Bits[] {
    const overrides = [...this.#selections.map(({ override }) => override), ...this.#tensors.values()];
    const widths = overrides.filter((override) => override !== 'float');
    return [this.base, ...widths.map((override) => ({ ...this.base, ...override }))];
  }

  /** The configuration of a node; undefined when it was asked to stay float. */
  forNode(node: OpNode): QConfig | undefined {
    const position = this.#positionOf(node);
    const selection = this.#selections.find(({ matches }) => matches(node, position));
    if (selection === undefined) return this.base;
    return selection.override === 'float' ? undefined : { ...this.base, ...selection.override };
  }

  /** The activation width of a tensor: its own override, or what its layer says; undefined for float. */
  forTensor(name: string, layer: QConfig): QConfig | undefined {
    const override = this.#tensors.get(name);
    if (override === 'float') return undefined;
    return override === undefined ? layer : { ...layer, ...override };
  }

  /**
   * Demands that every override means something in a graph.
   *
   * @throws MAPPING_UNMATCHED with the nearest names.
   */
  assertAllUsed(graph: Graph): void {
    const nodes = [...graph.ops()];
    for (const { key, kind, matches } of this.#selections) {
      if (nodes.some((node) => matches(node, this.#positionOf(node)))) continue;
      throw unmatched(key, kind, this.#candidates(kind, nodes));
    }
    const tensors = [...graph.nodes()].flatMap((node) => node.outputs.map((value) => value.name));
    for (const key of this.#tensors.keys())
      if (!tensors.includes(key)) throw unmatched(key, 'tensor', didYouMean(key, tensors));
  }

  #candidates(kind: Selection['kind'], nodes: readonly OpNode[]): string | ((key: string) => string) {
    switch (kind) {
      case 'node':
        return (key) => didYouMean(key, new Set(nodes.map((node) => node.displayName)));
      case 'operator type':
        return (key) => didYouMean(key, new Set(nodes.map(operatorName)));
      case 'depth':
        return `Its layers with weights have depths 1 to ${this.#deepest}.`;
      default:
        return kind === 'layer' ? 'It has no layers with constant weights.' : 'Look at the predicate.';
    }
  }

  #positionOf(node: OpNode): LayerPosition {
    const { graph } = node;
    const known = this.#positions.get(graph) ?? layerPositions(graph);
    this.#positions.set(graph, known);
    this.#deepest = known.depth;
    return known.of(node);
  }
}

/** Exact names come before globs and expressions, what stays float before the rest, else in the order in which they are written. */
function byName({ names = {} }: QConfigMapping, keepFloat: readonly string[]): Selection[] {
  const all = [...keepFloat.map((name) => [name, 'float'] as const), ...Object.entries(names)];
  const selections = all.map(([key, override]) => {
    const expression = namePattern(key);
    const matches = ({ displayName }: OpNode): boolean =>
      expression?.test(displayName) ?? displayName === key;
    return {
      key,
      kind: 'node' as const,
      override: parseOverride(override, key),
      matches,
      isExact: !expression,
    };
  });
  return [...selections.filter(({ isExact }) => isExact), ...selections.filter(({ isExact }) => !isExact)];
}

function byPredicate({ select = [] }: QConfigMapping): Selection[] {
  return select.map(({ name, where, config }) => ({
    key: name,
    kind: 'predicate',
    override: parseOverride(config, name),
    matches: where,
  }));
}

function byPlace(mapping: QConfigMapping): Selection[] {
  return (['first', 'last'] as const).flatMap((place) => {
    const override = mapping[place];
    if (override === undefined) return [];
    const matches = (_node: OpNode, position: LayerPosition): boolean => position[place];
    return [{ key: place, kind: 'layer' as const, override: parseOverride(override, place), matches }];
  });
}

function byDepth({ depths = {} }: QConfigMapping, deepest: () => number): Selection[] {
  return Object.entries(depths).map(([key, override]) => {
    const range = parseDepthRange(key);
    if (range !== undefined)
      return {
        key,
        kind: 'depth',
        override: parseOverride(override, key),
        matches: (_node, { depth }) => range.contains(depth, deepest()),
      };
    throw new BitwrightError({
      code: 'MAPPING_PATTERN_INVALID',
      message: `The override '${key}' is not a depth.`,
      hint: 'Write 1, 2..4, ..3 or 5.., and from the end -1.',
      at: { option: key },
      kind: 'usage',
    });
  });
}

function byOpType({ opTypes = {} }: QConfigMapping): Selection[] {
  return Object.entries(opTypes).map(([key, override]) => ({
    key,
    kind: 'operator type',
    override: parseOverride(override, key),
    matches: (node) => operatorName(node) === key,
  }));
}

function unmatched(key: string, kind: string, hint: string | ((key: string) => string)): BitwrightError {
  return new BitwrightError({
    code: 'MAPPING_UNMATCHED',
    message: `The override '${key}' matches no ${kind === 'predicate' ? 'node' : kind} of the model.`,
    hint: typeof hint === 'string' ? hint : hint(key),
    at: { option: key },
  });
}
