/** Where a problem lies: any of the file, graph, node, value (tensor) or option that it is about. */
export interface ErrorPlace {
  readonly file?: string;
  readonly graph?: string;
  readonly node?: string;
  readonly value?: string;
  readonly option?: string;
}

/** `usage`: the arguments alone are wrong; `input`: a file, model or data is; `budget`: a stated budget was missed. */
export type ErrorKind = 'usage' | 'input' | 'budget';

/** What a {@link BitwrightError} is made of. */
export interface BitwrightErrorInit {
  /** Stable, documented code: a heading of `docs/reference/errors.md`. */
  readonly code: string;
  /** What is wrong and why, in one sentence that names the thing. */
  readonly message: string;
  /** What to change so that it works. */
  readonly hint: string;
  readonly at?: ErrorPlace;
  readonly cause?: unknown;
  /** What kind of failure it is; `input` by default. It decides the exit code of the command line. */
  readonly kind?: ErrorKind;
}

/** The only error that Bitwright throws on purpose: coded, placed, and with a remedy. */
export class BitwrightError extends Error {
  readonly code: string;
  readonly hint: string;
  readonly at: ErrorPlace;
  readonly kind: ErrorKind;

  constructor(init: BitwrightErrorInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.name = 'BitwrightError';
    this.code = init.code;
    this.hint = init.hint;
    this.at = init.at ?? {};
    this.kind = init.kind ?? 'input';
  }

  /** The page and heading that explain this code. */
  get docs(): string {
    return `docs/reference/errors.md#${this.code.toLowerCase()}`;
  }

  toJSON(): { code: string; message: string; hint: string; at: ErrorPlace } {
    return { code: this.code, message: this.message, hint: this.hint, at: this.at };
  }
}

/** Something worth telling that does not stop the work. */
export interface Diagnostic {
  readonly code: string;
  readonly severity: 'info' | 'warning' | 'error';
  readonly message: string;
  readonly hint?: string;
  readonly at: ErrorPlace;
}

/** A readable text of whatever was thrown, for `cause` chains and messages. */
export function describeThrown(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
