import { ALL_WIDTHS, type BiasForm } from '@bitwright/backends';
import { BitwrightError, describeThrown, didYouMean } from '@bitwright/core';
import type { OpNode } from '@bitwright/graph';

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
}

/** Overrides by tensor name, node name (exact, glob with `*`, or /regular expression/) and operator type. A value is `W4A8`, `8` or `float`. */
export interface QConfigMapping {
  readonly tensors?: Readonly<Record<string, string>>;
  readonly names?: Readonly<Record<string, string>>;
  readonly opTypes?: Readonly<Record<string, string>>;
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

/** Decides each layer's configuration: tensor > node name > glob or expression > operator type > global. */
export class QConfigResolver {
  readonly #exact = new Map<string, Bits | 'float'>();
  readonly #patterns: { key: string; matches: RegExp; bits: Bits | 'float' }[] = [];
  readonly #opTypes = new Map<string, Bits | 'float'>();
  readonly #tensors = new Map<string, Bits | 'float'>();
  readonly #used = new Set<string>();

  constructor(
    private readonly base: QConfig,
    mapping: QConfigMapping = {},
    keepFloat: readonly string[] = [],
  ) {
    const names = [
      ...Object.entries(mapping.names ?? {}),
      ...keepFloat.map((name) => [name, 'float'] as const),
    ];
    for (const [key, text] of names) {
      const bits = parseOverride(text, key);
      const expression = namePattern(key);
      if (expression === undefined) this.#exact.set(key, bits);
      else this.#patterns.push({ key, matches: expression, bits });
    }
    for (const [key, text] of Object.entries(mapping.opTypes ?? {}))
      this.#opTypes.set(key, parseOverride(text, key));
    for (const [key, text] of Object.entries(mapping.tensors ?? {}))
      this.#tensors.set(key, parseOverride(text, key));
  }

  /** Every pair of widths that some layer may get. */
  allBits(): Bits[] {
    const overrides = [...this.#exact.values(), ...this.#opTypes.values(), ...this.#tensors.values()];
    const all = [...overrides, ...this.#patterns.map(({ bits }) => bits)];
    return [this.base, ...all.filter((bits): bits is Bits => bits !== 'float')];
  }

  /** The configuration of a node; undefined when it was asked to stay float. */
  forNode(node: OpNode): QConfig | undefined {
    const name = node.displayName;
    const pattern = this.#patterns.find(({ matches }) => matches.test(name));
    const override = this.#take(this.#exact, name) ?? pattern?.bits ?? this.#take(this.#opTypes, node.opType);
    if (pattern !== undefined) this.#used.add(pattern.key);
    return override === 'float' ? undefined : { ...this.base, ...override };
  }

  /** The activation width of a tensor: its own override, or what its layer says; undefined for float. */
  forTensor(name: string, layer: QConfig): QConfig | undefined {
    const override = this.#take(this.#tensors, name);
    if (override === 'float') return undefined;
    return override === undefined ? layer : { ...layer, ...override };
  }

  /**
   * Demands that every override matched something.
   *
   * @throws MAPPING_UNMATCHED with the nearest names.
   */
  assertAllUsed(
    nodeNames: readonly string[],
    tensorNames: readonly string[],
    opTypes: readonly string[],
  ): void {
    const known: [Iterable<string>, readonly string[], string][] = [
      [[...this.#exact.keys(), ...this.#patterns.map(({ key }) => key)], nodeNames, 'node'],
      [this.#opTypes.keys(), opTypes, 'operator type'],
      [this.#tensors.keys(), tensorNames, 'tensor'],
    ];
    for (const [keys, candidates, kind] of known) {
      for (const key of keys) {
        const expression = kind === 'node' ? namePattern(key) : undefined;
        if (
          this.#used.has(key) ||
          candidates.includes(key) ||
          candidates.some((name) => expression?.test(name))
        )
          continue;
        throw new BitwrightError({
          code: 'MAPPING_UNMATCHED',
          message: `The override '${key}' matches no ${kind} of the model.`,
          hint: didYouMean(key, candidates),
          at: { option: key },
        });
      }
    }
  }

  #take(from: ReadonlyMap<string, Bits | 'float'>, key: string): Bits | 'float' | undefined {
    const found = from.get(key);
    if (found !== undefined) this.#used.add(key);
    return found;
  }
}

function parseOverride(text: string, key: string): Bits | 'float' {
  return text === 'float' ? 'float' : parseBits(text, `mapping ${key}`);
}

/** The expression of a glob (`*`, `?`) or /regular expression/; undefined for a plain name. */
function namePattern(key: string): RegExp | undefined {
  if (key.length > 2 && key.startsWith('/') && key.endsWith('/') && /[\\^$.|?*+()[\]{}]/.test(key)) {
    return parseExpression(key);
  }
  if (!/[*?]/.test(key)) return undefined;
  const escaped = key.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`);
}

function parseExpression(key: string): RegExp {
  try {
    return new RegExp(key.slice(1, -1));
  } catch (thrown) {
    throw new BitwrightError({
      code: 'MAPPING_PATTERN_INVALID',
      message: `The override '${key}' is not a regular expression: ${describeThrown(thrown)}.`,
      hint: 'Correct it, or write a glob with * instead.',
      at: { option: key },
      kind: 'usage',
    });
  }
}
