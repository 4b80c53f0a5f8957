import { BitSet } from '../statistics/bit-set.js';
import { digest } from './digest.js';
import type { ShardScores } from './evaluate-shard.js';

/** Where a sweep writes what it has done, line by line; a line that was appended survives a kill at any moment. */
export interface SweepJournal {
  /** Every whole line, in order. */
  lines(): Promise<readonly string[]>;
  /** Appends a line without its end. @throws OUTPUT_UNWRITABLE; what was there before stays whole. */
  append(line: string): Promise<void>;
}

/** The first line of a journal: which sweep it belongs to. */
export interface JournalHead {
  readonly sweep: string;
  readonly version: 1;
}

/** A finished job: the scores of a cell on a shard, under the digest of all that decides them. */
export interface JournalEntry {
  readonly job: string;
  readonly scores: ShardScores;
  /** Size and dialect of the quantized file; absent for a float model. */
  readonly size?: number;
  readonly dialect?: string;
}

const HASH_DIGITS = 16;

/** A record as a line: the digest of its JSON, then the JSON, so that a damaged line is told from a whole one. */
export async function encodeLine(record: JournalHead | JournalEntry): Promise<string> {
  const plain = 'scores' in record ? { ...record, scores: plainScores(record.scores) } : record;
  const json = JSON.stringify(plain);
  return `${(await digest(json)).slice(0, HASH_DIGITS)} ${json}`;
}

/** The record of a line; undefined for a damaged one. */
export async function decodeLine(line: string): Promise<JournalHead | JournalEntry | undefined> {
  const json = line.slice(HASH_DIGITS + 1);
  if ((await digest(json)).slice(0, HASH_DIGITS) !== line.slice(0, HASH_DIGITS)) return undefined;
  const record = JSON.parse(json) as JournalHead | (Omit<JournalEntry, 'scores'> & { scores: PlainScores });
  if (!('job' in record)) return record;
  const { correct, ...scores } = record.scores;
  return { ...record, scores: { ...scores, correct: BitSet.fromBase64(scores.count, correct) } };
}

interface PlainScores extends Omit<ShardScores, 'correct' | 'outputs'> {
  readonly correct: string;
}

function plainScores(scores: ShardScores): PlainScores {
  const { outputs: _outputs, correct, ...rest } = scores;
  return { ...rest, correct: correct.toBase64() };
}
