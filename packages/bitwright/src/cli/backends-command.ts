import type { BackendTable } from '@bitwright/backends';
import { BitwrightError, didYouMean } from '@bitwright/core';
import { Command } from 'commander';
import { describeBackend, describeDifference } from './describe-backend.js';
import { EXIT, type Outcome } from './exit-codes.js';
import { collect } from './plan-options.js';
import { printJson, table } from './print.js';
import { openProgress } from './progress.js';

interface BackendsFlags {
  readonly json?: boolean;
  readonly plugin?: string[];
}

/** `bitwright backends` with its verbs: list, show, check, diff and probe. */
export function backendsCommand(signal: AbortSignal, outcome: Outcome): Command {
  const verb = (name: string, description: string): Command =>
    new Command(name)
      .description(description)
      .option('--plugin <module>', 'load a plugin, whose tables are known too; may be repeated', collect)
      .option('--json', 'print one JSON document');
  // a flag behind a verb's argument is the verb's or its parent's, so both are asked
  const verbs = ['list', 'show', 'check', 'diff', 'probe'];
  return new Command('backends')
    .description('the backend tables: list, show, check, compare and probe them')
    .option('--plugin <module>', 'load a plugin, whose tables are known too; may be repeated', collect)
    .option('--json', 'print one JSON document')
    .argument('[verb]', `${verbs.join(', ')}; list where it is left out`)
    .allowExcessArguments()
    .action((verb: string | undefined, flags: BackendsFlags) => {
      if (verb !== undefined) throw unknownVerb(verb, verbs);
      return list(flags);
    })
    .addHelpText('after', '\nExample:\n  bitwright backends show tensorrt\n')
    .addCommand(
      verb('list', 'every table that ships').action((_flags, command: Command) =>
        list(command.optsWithGlobals()),
      ),
    )
    .addCommand(
      verb('show', 'what a table says, entry by entry')
        .argument('<table>', 'a name, or a file of yours')
        .action((name: string, _flags, command: Command) => show(name, command.optsWithGlobals())),
    )
    .addCommand(
      verb('check', 'prove a table well-formed')
        .argument('<file>', 'a JSON, TypeScript or JavaScript file')
        .action((file: string, _flags, command: Command) => check(file, command.optsWithGlobals(), outcome)),
    )
    .addCommand(
      verb('diff', 'what distinguishes two tables')
        .argument('<first>', 'a name, or a file of yours')
        .argument('<second>', 'a name, or a file of yours')
        .action((first: string, second: string, _flags, command: Command) =>
          diff(first, second, command.optsWithGlobals()),
        ),
    )
    .addCommand(
      verb('probe', 'run each entry in ONNX Runtime on this machine, and say which it executes in integers')
        .argument('<table>', 'a name, or a file of yours')
        .action((name: string, _flags, command: Command) =>
          probe(name, command.optsWithGlobals(), signal, outcome),
        ),
    );
}

function unknownVerb(verb: string, verbs: readonly string[]): BitwrightError {
  return new BitwrightError({
    code: 'USAGE',
    message: `'bitwright backends' has no verb '${verb}'.`,
    hint: didYouMean(verb, verbs),
    kind: 'usage',
  });
}

/** The tables of the plugins that are asked for. */
async function pluginTables({ plugin = [] }: BackendsFlags): Promise<readonly BackendTable[]> {
  if (plugin.length === 0) return [];
  const { loadPlugins } = await import('../node/load-plugins.js');
  const { extensionsOf } = await import('../extensions.js');
  return extensionsOf(await loadPlugins(plugin)).backends;
}

async function list(flags: BackendsFlags): Promise<void> {
  const { json } = flags;
  const { BACKENDS, findBackend } = await import('@bitwright/backends');
  const extra = await pluginTables(flags);
  const tables = [...BACKENDS, ...extra].map(({ name, description }) => {
    const { entries, dialects } = findBackend(name, extra);
    const probed = entries.filter(({ evidence }) => evidence === 'probed').length;
    return { name, description, entries: entries.length, probed, cited: entries.length - probed, dialects };
  });
  if (json === true) {
    printJson({ backends: tables });
    return;
  }
  const rows = tables.map((one) => [
    one.name,
    String(one.entries),
    String(one.probed),
    String(one.cited),
    one.description,
  ]);
  process.stdout.write(table([['table', 'entries', 'probed', 'cited', 'what it is'], ...rows]));
}

async function show(name: string, flags: BackendsFlags): Promise<void> {
  const { json } = flags;
  const { loadBackend } = await import('../node/load-backend.js');
  const backend = await loadBackend(name, await pluginTables(flags));
  if (json === true) printJson(backend);
  else process.stdout.write(describeBackend(backend));
}

async function check(file: string, flags: BackendsFlags, outcome: Outcome): Promise<void> {
  const { json } = flags;
  const { checkBackendFile } = await import('../node/load-backend.js');
  const { findings } = await checkBackendFile(file, await pluginTables(flags));
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  if (errors > 0) outcome.code = EXIT.error;
  if (json === true) {
    printJson({ file, valid: errors === 0, findings });
    return;
  }
  for (const { severity, code, message, hint, line, column, path } of findings) {
    const place = line === undefined ? path.join('.') : `${line}:${column}`;
    process.stdout.write(`${file}:${place} ${severity} ${code}: ${message} ${hint}\n`);
  }
  const warnings = findings.length - errors;
  process.stdout.write(
    errors === 0
      ? `${file} is well-formed${warnings === 0 ? '' : `, with ${warnings} warnings`}.\n`
      : `${file}: ${errors} errors, ${warnings} warnings.\n`,
  );
}

async function diff(first: string, second: string, flags: BackendsFlags): Promise<void> {
  const { json } = flags;
  const { loadBackend } = await import('../node/load-backend.js');
  const { diffBackends } = await import('@bitwright/backends');
  const extra = await pluginTables(flags);
  const [a, b] = [await loadBackend(first, extra), await loadBackend(second, extra)];
  const difference = diffBackends(a, b);
  if (json === true) printJson({ first: a.name, second: b.name, ...difference });
  else process.stdout.write(describeDifference(a.name, b.name, difference));
}

async function probe(
  name: string,
  flags: BackendsFlags,
  signal: AbortSignal,
  outcome: Outcome,
): Promise<void> {
  const { json } = flags;
  const { loadBackend } = await import('../node/load-backend.js');
  const { probeBackend } = await import('../node/probe-backend.js');
  const backend = await loadBackend(name, await pluginTables(flags));
  const progress = await openProgress();
  const report = await probeBackend(backend, { signal, onProgress: progress.update }).finally(() =>
    progress.stop(),
  );
  const refuted = report.entries.filter(({ confirmed }) => confirmed === false);
  if (refuted.length > 0) outcome.code = EXIT.error;
  if (json === true) {
    printJson(report);
    return;
  }
  const rows = report.entries.map((entry) => [
    entry.pattern,
    entry.runs,
    entry.kernels.join(' '),
    entry.evidence ?? '',
    entry.confirmed === false ? 'REFUTED' : entry.confirmed === true ? 'confirmed' : '',
    entry.reason ?? '',
  ]);
  process.stdout.write(table([['entry', 'runs', 'kernels', 'marked', 'mark', 'why'], ...rows]));
  const integer = report.entries.filter(({ runs }) => runs === 'integer').length;
  process.stdout.write(
    `${integer} of ${report.entries.length} entries run in integers in ${report.runtime} on this machine; ${refuted.length} marks are refuted.\n`,
  );
}
