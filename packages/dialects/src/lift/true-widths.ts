import type { Diagnostic } from '@bitwright/core';
import type { GraphModule } from '@bitwright/graph';

/** A grid as the metadata says it. */
interface SaidGrid {
  readonly bits: number;
  readonly signed: boolean;
}

/** What the metadata of a file says of one layer's widths, which a carrier hides. */
export interface LayerWidths {
  readonly name: string;
  readonly pattern?: readonly string[];
  readonly weights?: { readonly bits: number };
  readonly activations?: SaidGrid;
  readonly output?: SaidGrid;
}

/** The layers of `bitwright.layers` by name; empty for files of other tools. Metadata that can't be read is reported and left aside. */
export function readTrueWidths(module: GraphModule, diagnostics: Diagnostic[]): Map<string, LayerWidths> {
  const text = module.metadataProps.get('bitwright.layers');
  if (text === undefined) return new Map();
  try {
    const entries = JSON.parse(text) as readonly unknown[];
    if (entries.every(isLayer)) return new Map(entries.map((entry) => [entry.name, entry]));
  } catch {
    // told below, as what is JSON and not a list of layers
  }
  diagnostics.push({
    code: 'LIFT_METADATA',
    severity: 'warning',
    message: "The model's bitwright.layers can't be read: widths are taken from what the codes show.",
    at: {},
  });
  return new Map();
}

// by hand, because every command reads this and a schema library is slow to start
function isLayer(entry: unknown): entry is LayerWidths {
  if (typeof entry !== 'object' || entry === null) return false;
  const { name, pattern, weights, activations, output } = entry as Readonly<Record<string, unknown>>;
  return (
    typeof name === 'string' &&
    (pattern === undefined ||
      (Array.isArray(pattern) && pattern.every((part) => typeof part === 'string'))) &&
    (weights === undefined || hasBits(weights)) &&
    [activations, output].every((grid) => grid === undefined || isGrid(grid))
  );
}

function hasBits(said: unknown): said is { bits: number } {
  return typeof said === 'object' && said !== null && Number.isInteger((said as { bits?: unknown }).bits);
}

function isGrid(said: unknown): said is SaidGrid {
  return hasBits(said) && typeof (said as { signed?: unknown }).signed === 'boolean';
}
