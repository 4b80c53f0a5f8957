import type { SweepSetting } from '@bitwright/analyze';
import { SCHEMES } from '@bitwright/backends';
import { BitwrightError } from '@bitwright/core';
import { formatBits, parseBits } from '@bitwright/quantize';
import { METHODS, oneOf, type QuantizeOptions } from './quantize-options.js';

/** What a sweep varies. */
export interface SweepAxes {
  /** Widths, as `8,7,W4A8`: each is a cell with these weights and activations. */
  readonly bits?: string;
  /** Every pair of the widths, as `W=8..2,A=8,4`. */
  readonly grid?: string;
  /** Schemes, separated by commas; `backend` by default. */
  readonly scheme?: string;
  /** Methods, separated by commas; `balanced` by default. */
  readonly method?: string;
}

/** The choices that all cells of a sweep share. */
export type SharedOptions = Pick<
  QuantizeOptions,
  | 'backend'
  | 'bias'
  | 'granularity'
  | 'weights'
  | 'observer'
  | 'weightObserver'
  | 'powerOfTwo'
  | 'reduceRange'
  | 'keepFloat'
  | 'mapping'
  | 'memory'
  | 'plugins'
>;

/**
 * Every setting that the axes span: schemes x methods x widths, in the order given, each once.
 *
 * @throws usage errors: OPTION_MISSING without widths, BITS_INVALID, OPTION_VALUE.
 */
export function sweepSettings(axes: SweepAxes): SweepSetting[] {
  const widths = new Set([
    ...(axes.bits === undefined ? [] : list(axes.bits).map((text) => formatBits(parseBits(text)))),
    ...(axes.grid === undefined ? [] : gridWidths(axes.grid)),
  ]);
  if (widths.size === 0) throw missingWidths();
  const schemes = list(axes.scheme ?? 'backend').map((name) => oneOf('--scheme', name, SCHEMES));
  const methods = list(axes.method ?? 'balanced').map((name) => oneOf('--method', name, METHODS));
  return [...new Set(schemes)].flatMap((scheme) =>
    [...new Set(methods)].flatMap((method) => [...widths].map((bits) => ({ bits, scheme, method }))),
  );
}

/** `W=8..2,A=8,4` as widths: every pair, the activations running fastest. */
function gridWidths(text: string): string[] {
  const axes = new Map<'W' | 'A', number[]>();
  let axis: number[] | undefined;
  for (const part of list(text)) {
    const match = /^(?:([WwAa])\s*=\s*)?(\d+)(?:\s*\.\.\s*(\d+))?$/.exec(part);
    if (match === null) throw wrongGrid(text);
    if (match[1] !== undefined) {
      const name = match[1].toUpperCase() as 'W' | 'A';
      axis = axes.get(name) ?? [];
      axes.set(name, axis);
    }
    if (axis === undefined) throw wrongGrid(text);
    axis.push(...range(Number(match[2]), Number(match[3] ?? match[2])));
  }
  const [weights, activations] = [axes.get('W'), axes.get('A')];
  if (weights === undefined || activations === undefined) throw wrongGrid(text);
  return weights.flatMap((w) => activations.map((a) => formatBits(parseBits(`W${w}A${a}`, '--grid'))));
}

/** The widths from one to the other, either way; 16 stands only for itself. */
function range(from: number, to: number): number[] {
  const step = from <= to ? 1 : -1;
  return Array.from({ length: Math.min(Math.abs(to - from), 16) + 1 }, (_, i) => from + i * step);
}

function list(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function missingWidths(): BitwrightError {
  return new BitwrightError({
    code: 'OPTION_MISSING',
    message: '--bits is missing: it says at which widths the models are compared.',
    hint: 'Write for example: --bits 8,7,6,5,4,3,2, or --grid W=8..2,A=8..2 for every pair.',
    at: { option: '--bits' },
    kind: 'usage',
  });
}

function wrongGrid(text: string): BitwrightError {
  return new BitwrightError({
    code: 'OPTION_VALUE',
    message: `--grid can't be '${text}'.`,
    hint: 'Write the widths of weights and activations, for example W=8..2,A=8..2 or W=8,4,A=8.',
    at: { option: '--grid' },
    kind: 'usage',
  });
}

/** The choices that all cells share, in a fixed order. */
export function sharedOptions(options: SharedOptions): SharedOptions {
  const { backend, bias, granularity, weights, observer, weightObserver } = options;
  const { powerOfTwo, reduceRange, keepFloat, mapping, memory, plugins } = options;
  const all = {
    ...{ backend, bias, granularity, weights, observer, weightObserver },
    ...{ powerOfTwo, reduceRange, keepFloat, mapping, memory, plugins },
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** The shared choices as text that a digest is made of: of a plugin's functions, what is written in them. */
export function sharedText(options: SharedOptions): string {
  return JSON.stringify(sharedOptions(options), (_key, value: unknown) =>
    typeof value === 'function' ? String(value) : value,
  );
}

/** A setting as options of `quantize`, and nothing else of what holds it; its words were checked when it was made. */
export function settingWords({
  bits,
  scheme,
  method,
}: SweepSetting): Pick<QuantizeOptions, 'bits' | 'scheme' | 'method'> {
  return { bits, scheme, method } as Pick<QuantizeOptions, 'bits' | 'scheme' | 'method'>;
}
