import { Command, type OutputConfiguration } from 'commander';
import { VERSION } from '../version.js';
import { backendsCommand } from './backends-command.js';
import { certifyCommand } from './certify-command.js';
import { diffCommand } from './diff-command.js';
import { doctorCommand } from './doctor-command.js';
import { evaluateCommand } from './evaluate-command.js';
import type { Outcome } from './exit-codes.js';
import { explainCommand } from './explain-command.js';
import { exportCommand } from './export-command.js';
import { inspectCommand } from './inspect-command.js';
import { quantizeCommand } from './quantize-command.js';
import { simulateCommand } from './simulate-command.js';
import { sweepCommand } from './sweep-command.js';
import { traceCommand } from './trace-command.js';

/** Errors are printed by `main`, with their code; what Commander writes of itself is help. */
const OUTPUT: OutputConfiguration = {
  writeOut: (text) => process.stdout.write(text),
  writeErr: (text) => process.stderr.write(text),
  outputError: () => undefined,
};

/** The whole command line; commands throw, and `main` turns what they throw into messages and exit codes. */
export function buildProgram(signal: AbortSignal, outcome: Outcome): Command {
  const program = new Command('bitwright')
    .description('Compiles float ONNX models into quantized ONNX at any bitwidth, and proves what it did.')
    .version(VERSION)
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput(OUTPUT);
  for (const command of [
    quantizeCommand(signal),
    evaluateCommand(signal),
    sweepCommand(signal, outcome),
    inspectCommand(),
    explainCommand(),
    simulateCommand(signal),
    backendsCommand(signal, outcome),
    certifyCommand(signal, outcome),
    traceCommand(),
    exportCommand(),
    diffCommand(signal),
    doctorCommand(),
  ]) {
    for (const part of [command, ...command.commands]) settle(part);
    program.addCommand(command);
  }
  return program;
}

/** What all commands and their verbs have in common. */
function settle(command: Command): void {
  command.option('--debug', 'print stack traces of errors');
  command.exitOverride().configureOutput(OUTPUT);
  command.showSuggestionAfterError();
}
