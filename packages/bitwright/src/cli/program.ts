import { Command } from 'commander';
import { VERSION } from '../version.js';
import { doctorCommand } from './doctor-command.js';
import { evaluateCommand } from './evaluate-command.js';
import { inspectCommand } from './inspect-command.js';
import { notBuiltCommands } from './not-built-commands.js';
import { quantizeCommand } from './quantize-command.js';
import { simulateCommand } from './simulate-command.js';

/** The whole command line; commands throw, and `main` turns what they throw into messages and exit codes. */
export function buildProgram(signal: AbortSignal): Command {
  const program = new Command('bitwright')
    .description('Compiles float ONNX models into quantized ONNX at any bitwidth, and proves what it did.')
    .version(VERSION)
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({ writeErr: () => undefined, writeOut: (text) => process.stdout.write(text) });
  for (const command of [
    quantizeCommand(signal),
    evaluateCommand(signal),
    inspectCommand(),
    simulateCommand(signal),
    doctorCommand(),
    ...notBuiltCommands(),
  ]) {
    command.option('--debug', 'print stack traces of errors');
    command
      .exitOverride()
      .configureOutput({ writeErr: () => undefined, writeOut: (text) => process.stdout.write(text) });
    command.showSuggestionAfterError();
    program.addCommand(command);
  }
  return program;
}
