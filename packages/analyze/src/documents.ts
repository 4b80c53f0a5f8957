import * as z from 'zod';
import { certificateDocument } from './certify/certificate-document.js';
import { diffDocument } from './diff/diff-document.js';
import { reportDocument } from './report/report-document.js';
import { sweepDocument } from './sweep/sweep-document.js';

/** The documents that others may read, by the name of their published schema. */
export const DOCUMENTS = {
  sweep: sweepDocument,
  certificate: certificateDocument,
  diff: diffDocument,
  report: reportDocument,
} as const;

/** The JSON Schema (draft 2020-12) of a document, as text: what lies in `schema/` of this package. */
export function jsonSchemaText(name: keyof typeof DOCUMENTS): string {
  return `${JSON.stringify(z.toJSONSchema(DOCUMENTS[name]), undefined, 2)}\n`;
}
