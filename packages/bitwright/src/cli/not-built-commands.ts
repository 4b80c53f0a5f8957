import { Command } from 'commander';
import { notBuilt } from '../quantize-options.js';

const PLANNED: Readonly<Record<string, string>> = {
  diff: 'two quantized models compared',
  trace: 'the integer arithmetic of one output element',
  export: 'integers, golden vectors and other forms',
};

/** Commands of the interface whose feature does not exist yet: each says so instead of being unknown. */
export function notBuiltCommands(): Command[] {
  return Object.entries(PLANNED).map(([name, what]) =>
    new Command(name)
      .description(`${what} (not built yet)`)
      .allowUnknownOption()
      .allowExcessArguments()
      .argument('[arguments...]')
      .action(() => {
        throw notBuilt(name, `the command '${name}'`, 'See bitwright --help for the commands that exist.');
      }),
  );
}
