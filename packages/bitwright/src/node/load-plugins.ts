import { createRequire } from 'node:module';
import { isAbsolute, join, resolve } from 'node:path';
import { BitwrightError, describeThrown } from '@bitwright/core';
import { definePlugin, type Plugin, type PluginInit } from '../define-plugin.js';

/**
 * Loads plugins: packages by name, or local TypeScript and JavaScript files by a path. A plugin is a module's default
 * export, or its only export that {@link definePlugin} made.
 *
 * @param folder where relative paths begin, and from where packages are looked up; the working folder by default.
 * @throws PLUGIN_UNLOADABLE, PLUGIN_INVALID and PLUGIN_API, each naming the plugin and where it comes from.
 */
export async function loadPlugins(names: readonly string[], folder = process.cwd()): Promise<Plugin[]> {
  const plugins: Plugin[] = [];
  for (const name of names) plugins.push(await loadPlugin(name, folder));
  return plugins;
}

async function loadPlugin(name: string, folder: string): Promise<Plugin> {
  const isFile = isAbsolute(name) || name.startsWith('.') || /\.[cm]?[jt]s$/.test(name);
  const target = isFile ? resolve(folder, name) : name;
  const exported = await importModule(target, name, folder);
  const plugin = pluginOf(exported);
  if (plugin === undefined)
    throw new BitwrightError({
      code: 'PLUGIN_INVALID',
      message: `'${name}' exports no plugin.`,
      hint: 'Its default export must be what definePlugin of bitwright/plugin gives.',
      at: { file: target, option: '--plugin' },
    });
  try {
    return definePlugin(plugin);
  } catch (thrown) {
    if (!(thrown instanceof BitwrightError)) throw thrown;
    const { code, message, hint } = thrown;
    throw new BitwrightError({
      code,
      message: `${message} It was loaded from '${name}'.`,
      hint,
      at: { file: target },
    });
  }
}

async function importModule(
  target: string,
  name: string,
  folder: string,
): Promise<Readonly<Record<string, unknown>>> {
  const { createJiti } = await import('jiti');
  // A local file stands outside of any package, so it is told where this door is; a package has its own way to it.
  const jiti = createJiti(join(folder, 'plugins.js'), { alias: { 'bitwright/plugin': doorOfPlugins() } });
  try {
    return await jiti.import(target);
  } catch (thrown) {
    if (
      thrown instanceof Error &&
      ['PLUGIN_INVALID', 'PLUGIN_API', 'PATTERN_INVALID'].includes(codeOf(thrown))
    )
      throw new BitwrightError({
        code: codeOf(thrown),
        message: `${thrown.message} It comes from the plugin '${name}'.`,
        hint: (thrown as BitwrightError).hint,
        at: { file: target },
        cause: thrown,
      });
    throw new BitwrightError({
      code: 'PLUGIN_UNLOADABLE',
      message: `The plugin '${name}' cannot be loaded: ${describeThrown(thrown).split('\n')[0]}`,
      hint: 'Give the path of a file (./my-plugin.ts) or the name of a package that is installed here.',
      at: { file: target, option: '--plugin' },
      cause: thrown,
    });
  }
}

function codeOf(thrown: Error): string {
  return String((thrown as { readonly code?: unknown }).code ?? '');
}

function doorOfPlugins(): string {
  return createRequire(import.meta.url).resolve('bitwright/plugin');
}

function pluginOf(exported: Readonly<Record<string, unknown>>): PluginInit | undefined {
  const candidates = [exported['default'], ...Object.values(exported), exported];
  return candidates.find(
    (candidate): candidate is PluginInit =>
      typeof candidate === 'object' && candidate !== null && 'apiVersion' in candidate && 'name' in candidate,
  );
}
