import type { DataCard } from '../data-card.js';
import type { InputSpec } from '../input-spec.js';
import type { OpenDataOptions, SampleSource } from '../sample-source.js';

/** Opens a data card file for a model's inputs. Relative paths are relative to the card. */
export async function openDataCard(
  path: string,
  inputs: readonly InputSpec[],
  options: OpenDataOptions = {},
): Promise<SampleSource> {
  throw new Error(`not built yet ${path} ${inputs.length} ${options.samples}`);
}

/** Opens a data card that is in memory; its relative paths are relative to `baseFolder`. */
export async function openData(
  card: DataCard,
  inputs: readonly InputSpec[],
  options: OpenDataOptions & { readonly baseFolder: string },
): Promise<SampleSource> {
  throw new Error(`not built yet ${card.format} ${inputs.length} ${options.samples}`);
}
