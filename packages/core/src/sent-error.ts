import { BitwrightError, type ErrorPlace } from './errors.js';

/** An error as it crosses from a thread to another, which would lose its class and so its code. */
export interface SentError {
  /** Absent where it was not thrown on purpose. */
  readonly code: string | undefined;
  readonly message: string;
  readonly hint: string;
  readonly at: ErrorPlace;
}

/** What is sent of anything that was thrown. */
export function packError(thrown: unknown): SentError {
  return thrown instanceof BitwrightError
    ? thrown.toJSON()
    : { code: undefined, message: String(thrown), hint: '', at: {} };
}

/** The error that was sent, coded again where it was. */
export function unpackError({ code, message, hint, at }: SentError): Error {
  return code === undefined ? new Error(message) : new BitwrightError({ code, message, hint, at });
}
