import type { Diagnostic } from '@bitwright/core';
import type { GraphModule } from '@bitwright/graph';
import { z } from 'zod';

const grid = z.object({ bits: z.number().int(), signed: z.boolean() });

const layer = z.object({
  name: z.string(),
  pattern: z.array(z.string()).optional(),
  weights: z.object({ bits: z.number().int() }).optional(),
  activations: grid.optional(),
  output: grid.optional(),
});

/** What the metadata of a file says of one layer's widths, which a carrier hides. */
export type LayerWidths = z.infer<typeof layer>;

/** The layers of `bitwright.layers` by name; empty for files of other tools. Metadata that can't be read is reported and left aside. */
export function readTrueWidths(module: GraphModule, diagnostics: Diagnostic[]): Map<string, LayerWidths> {
  const text = module.metadataProps.get('bitwright.layers');
  if (text === undefined) return new Map();
  try {
    return new Map(
      z
        .array(layer)
        .parse(JSON.parse(text))
        .map((entry) => [entry.name, entry]),
    );
  } catch {
    diagnostics.push({
      code: 'LIFT_METADATA',
      severity: 'warning',
      message: "The model's bitwright.layers can't be read: widths are taken from what the codes show.",
      at: {},
    });
    return new Map();
  }
}
