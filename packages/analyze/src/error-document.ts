import type { Diagnostic } from '@bitwright/core';
import * as z from 'zod';

/** An error as every JSON document of the command line gives it. */
export const errorDocument = z.strictObject({
  code: z.string(),
  message: z.string(),
  hint: z.string(),
  at: z.strictObject({
    file: z.string().optional(),
    graph: z.string().optional(),
    node: z.string().optional(),
    value: z.string().optional(),
    option: z.string().optional(),
  }),
});

/** A diagnostic as every JSON document of the command line gives it. */
export const diagnosticDocument = z.strictObject({
  code: z.string(),
  severity: z.enum(['info', 'warning', 'error']),
  message: z.string(),
  hint: z.string().optional(),
  at: errorDocument.shape.at,
});

/** The diagnostic of a document; its optional fields are left out or there, never undefined. */
export function diagnosticOf(document: z.infer<typeof diagnosticDocument>): Diagnostic {
  return document as Diagnostic;
}
