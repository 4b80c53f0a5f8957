import { BitwrightError } from '@bitwright/core';
import { CommanderError } from 'commander';
import { EXIT, type Outcome } from './exit-codes.js';
import { buildProgram } from './program.js';

/**
 * Runs the command line.
 *
 * @param args the arguments behind the program's name.
 * @returns the exit code: 0 done, 1 a diagnosed error, 2 wrong usage, 3 a budget was missed, 130 interrupted.
 */
export async function main(args: readonly string[]): Promise<number> {
  const interrupt = new AbortController();
  process.stdout.once('error', leaveQuietly);
  const stop = (): void => interrupt.abort();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  try {
    const outcome: Outcome = { code: EXIT.done };
    await buildProgram(interrupt.signal, outcome).parseAsync([...args], { from: 'user' });
    return outcome.code;
  } catch (thrown) {
    if (interrupt.signal.aborted) {
      const kept = thrown instanceof BitwrightError && thrown.code === 'SWEEP_INTERRUPTED';
      process.stderr.write(
        kept ? `${thrown.message}\n  ${thrown.hint}\n` : 'interrupted: nothing was written\n',
      );
      return EXIT.interrupted;
    }
    return report(thrown, args);
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}

/** Ends the process when its reader has read enough, as in `… | head`; any other failure of the terminal is thrown. */
function leaveQuietly(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit(EXIT.done);
}

function report(thrown: unknown, args: readonly string[]): number {
  if (thrown instanceof CommanderError && thrown.exitCode === 0) return EXIT.done;
  // a command without a verb, or none at all: the help was printed
  if (thrown instanceof CommanderError && thrown.code === 'commander.help') return EXIT.usage;
  const error = thrown instanceof CommanderError ? usageError(thrown) : thrown;
  if (!(error instanceof BitwrightError)) {
    const unexpected = new BitwrightError({
      code: 'INTERNAL',
      message: `Bitwright failed in a way that it should not: ${error instanceof Error ? error.message : String(error)}`,
      hint: 'Run again with --debug and report it with the stack trace.',
      cause: error,
    });
    return print(unexpected, args);
  }
  return print(takenForJson(error, args), args);
}

/** An error of a word that was meant as the path of `--json`, with a hint that there is none. */
function takenForJson(error: BitwrightError, args: readonly string[]): BitwrightError {
  const word = args[args.indexOf('--json') + 1];
  const isSo =
    args.includes('--json') &&
    (error.code.startsWith('FILE_') ? error.at.file === word : /^Too many arguments/.test(error.message));
  if (!isSo || word === undefined || word.startsWith('-')) return error;
  const { code, message, at, kind, cause } = error;
  const hint = `--json takes no path: it prints to stdout, which \`> FILE\` sends to one. ${error.hint}`;
  return new BitwrightError({ code, message, hint, at, kind, cause });
}

function print(error: BitwrightError, args: readonly string[]): number {
  const place = [error.at.file, error.at.node, error.at.value, error.at.option].filter(
    (part) => part !== undefined && part !== '',
  );
  const where = place.length === 0 ? '' : ` [${[...new Set(place)].join(', ')}]`;
  process.stderr.write(`${error.code}${where}: ${error.message}\n  ${error.hint}\n`);
  if (args.includes('--debug'))
    process.stderr.write(`${(error.cause instanceof Error ? error.cause : error).stack}\n`);
  if (args.includes('--json')) process.stdout.write(`${JSON.stringify({ error }, undefined, 2)}\n`);
  if (error.kind === 'budget') return EXIT.budgetMissed;
  return error.kind === 'usage' ? EXIT.usage : EXIT.error;
}

function usageError(error: CommanderError): BitwrightError {
  const text = error.message.replace(/^error: /, '');
  const [message, ...hints] = text.split('\n');
  const option = /'(?<name>-[^' ]*)/.exec(text)?.groups?.['name'];
  return new BitwrightError({
    code: error.code === 'commander.unknownOption' ? 'OPTION_UNKNOWN' : 'USAGE',
    message: `${message![0]!.toUpperCase()}${message!.slice(1)}.`,
    hint: hints.join(' ').replaceAll(/[()]/g, '').trim() || 'See --help for what can be given.',
    ...(option !== undefined && { at: { option } }),
    kind: 'usage',
  });
}
