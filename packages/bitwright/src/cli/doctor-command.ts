import { Command } from 'commander';
import { printJson } from './print.js';

/** `bitwright doctor`. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('versions, CPU features, and the runtime traps found on this machine')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  bitwright doctor\n')
    .action(async (flags: { readonly json?: boolean }) => {
      const { doctor } = await import('../node/doctor.js');
      const report = await doctor();
      if (flags.json === true) {
        printJson(report);
        return;
      }
      const { onnxruntime, cpu } = report;
      const feature = (name: string, has: boolean | undefined): string =>
        `${name} ${has === undefined ? 'unknown' : has ? 'yes' : 'no'}`;
      process.stdout.write(
        [
          `bitwright ${report.bitwright}, Node ${report.node}, ${report.platform}`,
          `onnxruntime-node: ${onnxruntime.installed ? onnxruntime.version : `does not load (${onnxruntime.problem})`}`,
          `cpu: ${cpu.model}, ${cpu.cores} cores, ${feature('AVX2', cpu.avx2)}, ${feature('VNNI', cpu.vnni)}`,
          `memory: ${(report.memoryBytes / 2 ** 30).toFixed(1)} GiB`,
          ...report.traps.map(
            ({ trap, present, meaning }) =>
              `trap ${trap}: ${present === 'skipped' ? 'not tried' : present ? 'present' : 'not present'}; ${meaning}`,
          ),
          ...report.advice,
          '',
        ].join('\n'),
      );
    });
}
