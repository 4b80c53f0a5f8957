import type { InspectOptions } from '../inspect.js';

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
