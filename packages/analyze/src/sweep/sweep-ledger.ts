import { BitwrightError } from '@bitwright/core';
import { decodeLine, encodeLine, type JournalEntry, type SweepJournal } from './journal.js';

/** The finished jobs of a sweep, by the digest of what decides them. */
export interface SweepLedger {
  find(job: string): JournalEntry | undefined;
  /** Writes a finished job down. @throws OUTPUT_UNWRITABLE. */
  keep(entry: JournalEntry): Promise<void>;
}

/**
 * Opens a journal for a sweep: a new one gets its head, one of the same sweep is read when it may be resumed.
 *
 * @throws SWEEP_FOLDER_OTHER when the journal belongs to another sweep, SWEEP_EXISTS when it may not be resumed; the journal
 *   is not touched then.
 */
export async function openLedger(
  journal: SweepJournal,
  sweep: string,
  resume: boolean,
): Promise<SweepLedger> {
  const entries = new Map<string, JournalEntry>();
  const lines = await journal.lines();
  if (lines.length > 0) {
    const head = await decodeLine(lines[0]!);
    if (head === undefined || !('sweep' in head) || head.sweep !== sweep) throw otherSweep();
    if (!resume) throw sweepExists();
  } else await journal.append(await encodeLine({ sweep, version: 1 }));
  for (const line of lines.slice(1)) {
    const entry = await decodeLine(line);
    if (entry !== undefined && 'job' in entry) entries.set(entry.job, entry);
  }
  return {
    find: (job) => entries.get(job),
    async keep(entry) {
      entries.set(entry.job, entry);
      await journal.append(await encodeLine(entry));
    },
  };
}

/** The error of a report folder whose content is another sweep's. */
export function otherSweep(): BitwrightError {
  return new BitwrightError({
    code: 'SWEEP_FOLDER_OTHER',
    message:
      'The report folder holds the results of another sweep: other models, widths, data, options or versions.',
    hint: 'Give another folder with --report, or the arguments of the sweep that is there.',
    at: { option: '--report' },
  });
}

function sweepExists(): BitwrightError {
  return new BitwrightError({
    code: 'SWEEP_EXISTS',
    message: 'The report folder holds this very sweep already.',
    hint: 'Add --resume to go on with it, or give another folder with --report.',
    at: { option: '--report' },
  });
}
