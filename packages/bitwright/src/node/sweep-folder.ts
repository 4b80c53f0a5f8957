import { existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  type CellFiles,
  comparisonsCsv,
  FileJournal,
  otherSweep,
  runsCsv,
  type SweepDocument,
  type SweepJournal,
  sweepMarkdown,
} from '@bitwright/analyze';
import { BitwrightError, describeThrown } from '@bitwright/core';
import { writeFileAtomically } from '@bitwright/core/node';

const JOURNAL = 'sweep.journal';
const RESULT = 'sweep.json';

/** The folder of a sweep: its journal while it runs, its results when it is done. */
export class SweepFolder {
  readonly journal: SweepJournal;

  /** @throws OUTPUT_UNWRITABLE, SWEEP_FOLDER_OTHER when it holds results without a journal. */
  constructor(private readonly path: string) {
    makeFolder(path, '--report');
    if (existsSync(join(path, RESULT)) && !existsSync(join(path, JOURNAL))) throw otherSweep();
    this.journal = new FileJournal(join(path, JOURNAL));
  }

  /** Writes the results as JSON, CSV and Markdown. The same sweep gives the same bytes. */
  writeResults(document: SweepDocument): void {
    this.write(RESULT, `${JSON.stringify(document, undefined, 2)}\n`);
    this.write('sweep.csv', runsCsv(document));
    this.write('comparisons.csv', comparisonsCsv(document));
    this.write('sweep.md', sweepMarkdown(document));
  }

  /** Writes one more file beside the results, e.g. the timings, which differ from run to run. */
  write(name: string, content: string): void {
    writeFileAtomically(join(this.path, name), content, '--report');
  }
}

/** A folder for the quantized files of a sweep. @throws OUTPUT_UNWRITABLE. */
export function cellFolder(path: string, models: readonly string[]): CellFiles {
  makeFolder(path, '--emit');
  const stems = models.map(stemOf);
  return {
    name({ subject, setting }) {
      const index = models.indexOf(subject.path);
      const stem = stems[index]!;
      const alone = stems.indexOf(stem) === stems.lastIndexOf(stem);
      const { bits, scheme, method } = setting;
      return `${stem}${alone ? '' : `.${index + 1}`}.${bits.toLowerCase()}.${scheme}.${method}.onnx`;
    },
    has: (name) => statSync(join(path, name), { throwIfNoEntry: false })?.isFile() === true,
    write: (name, bytes) => writeFileAtomically(join(path, name), bytes, '--emit'),
  };
}

function stemOf(path: string): string {
  return path
    .split(/[\\/]/)
    .at(-1)!
    .replace(/\.onnx$/i, '');
}

/** Makes a folder that an option names, where it is absent. @throws OUTPUT_UNWRITABLE. */
export function makeFolder(path: string, option: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (thrown) {
    throw new BitwrightError({
      code: 'OUTPUT_UNWRITABLE',
      message: `The folder '${path}' cannot be made: ${describeThrown(thrown)}.`,
      hint: 'Give the path of a folder that exists or can be made.',
      at: { file: path, option },
      cause: thrown,
    });
  }
}
