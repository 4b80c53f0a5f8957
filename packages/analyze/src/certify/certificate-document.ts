import * as z from 'zod';
import { diagnosticDocument, errorDocument } from '../error-document.js';

/** What one node of the file became in the runtime. */
export const certifiedNode = z.strictObject({
  name: z.string(),
  opType: z.string(),
  runs: z
    .enum(['integer', 'float'])
    .describe('what the kernel that runs it works on; nodes that only move values count by what they move'),
  kernel: z.string().describe('the operator that runs, e.g. QLinearConv or com.microsoft.QLinearAdd'),
  into: z.string().optional().describe('the node of the optimized graph that it became part of'),
  code: z.string().optional().describe('why it is float, as a code'),
  reason: z.string().optional().describe("why it is float, with the runtime's rule"),
});

/** Whether 16-bit pair sums of one layer can saturate on CPUs without VNNI. */
export const saturationRisk = z.strictObject({
  node: z.string(),
  worstPair: z.number().describe('the largest (or smallest) sum of two products that inputs could cause'),
  limit: z.number().describe('the sum that 16 bits hold'),
  codes: z.tuple([z.number(), z.number()]).describe('the two weight codes of the worst pair'),
  channel: z.number().int().optional().describe('the output channel that holds them'),
  largestInput: z.number().describe('the largest activation code'),
  safe: z.boolean(),
});

const timing = z.strictObject({
  medianSeconds: z.number(),
  lowSeconds: z.number().describe('the first quartile'),
  highSeconds: z.number().describe('the third quartile'),
});

/** Time of the float and the quantized model, measured in turn. */
export const certifiedTiming = z.strictObject({
  batch: z.number().int(),
  rounds: z.number().int(),
  threads: z.number().int().optional(),
  float: timing.optional(),
  quantized: timing,
  ratio: z
    .number()
    .optional()
    .describe('float time over quantized time: above 1 the quantized model is faster'),
  ratioLow: z.number().optional().describe('first quartile of the ratio, round by round'),
  ratioHigh: z.number().optional(),
});

/** The fusion certificate: what the runtime really executes. */
export const certificateDocument = z.strictObject({
  kind: z.literal('bitwright.certificate'),
  version: z.literal(1),
  model: z.string(),
  runtime: z.string(),
  nodes: z.array(certifiedNode),
  integer: z.number().int().describe('nodes that run in integers'),
  total: z.number().int().describe('all nodes that are listed'),
  saturation: z.array(saturationRisk),
  diagnostics: z.array(diagnosticDocument).optional().describe('usual mistakes that the graph shows'),
  time: certifiedTiming.optional(),
  error: errorDocument.optional().describe('a requirement that was missed'),
});

/** See {@link certificateDocument}. */
export type CertificateDocument = z.infer<typeof certificateDocument>;
/** See {@link certifiedNode}. */
export type CertifiedNode = z.infer<typeof certifiedNode>;
/** See {@link saturationRisk}. */
export type SaturationRisk = z.infer<typeof saturationRisk>;
/** See {@link certifiedTiming}. */
export type CertifiedTiming = z.infer<typeof certifiedTiming>;
