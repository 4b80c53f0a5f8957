import { OBSERVERS } from '@bitwright/quantize';
import type { InspectOptions } from '../inspect.js';

/** The observers that ship, for the help of an option. */
export function observerNames(): string {
  return OBSERVERS.map(({ name }, i) => (i === 0 ? `${name} (default)` : name)).join(', ');
}

/** Gathers the values of an option that may be repeated. */
export function collect(value: string, held: string[] = []): string[] {
  return [...held, value];
}

/** The options of a plan with its plugins loaded, and its backend where that is a file. */
export async function planOptions({
  plugin = [],
  ...options
}: Omit<InspectOptions, 'plugins'> & { readonly plugin?: string[] }): Promise<InspectOptions> {
  const { loadPlugins } = await import('../node/load-plugins.js');
  const { extensionsOf } = await import('../extensions.js');
  const { loadBackend } = await import('../node/load-backend.js');
  const plugins = await loadPlugins(plugin);
  if (options.backend === undefined) return { ...options, plugins };
  const backend = await loadBackend(options.backend, extensionsOf(plugins).backends);
  return { ...options, plugins, backend };
}
