import * as z from 'zod';
import { certificateDocument } from '../certify/certificate-document.js';
import { errorDocument } from '../error-document.js';
import { sweepData, sweepDocument } from '../sweep/sweep-document.js';
import { reportSimulation } from './simulation-document.js';

const count = z.number().int().nonnegative();
/** A signal-to-noise ratio in dB; null where the noise is 0. */
const decibel = z.number().nullable();

const grid = z.strictObject({
  bits: z.number().int(),
  signed: z.boolean(),
  quantMin: z.number().int(),
  quantMax: z.number().int(),
});

/** A node of the float graph after the passes, as the report draws it. */
export const reportNode = z.strictObject({
  name: z.string().describe('unique in the graph; layers refer to it'),
  opType: z.string(),
  domain: z.string().optional(),
  inputs: z.array(z.string()).describe('names of values; initializers are left out'),
  outputs: z.array(z.string()),
});

/** A value that flows along edges of the graph. */
export const reportValue = z.strictObject({
  name: z.string(),
  dtype: z.string().optional(),
  shape: z.array(z.union([z.number().int(), z.string(), z.null()])).optional(),
});

/** The weights of a layer, channel by channel. */
export const reportWeights = z.strictObject({
  ...grid.shape,
  axis: z.number().int().optional().describe('absent where one scale serves the whole tensor'),
  symmetric: z.boolean(),
  shape: z.array(z.number().int()),
  scale: z.array(z.number()).describe('one, or one a channel'),
  zeroPoint: z.array(z.number().int()),
  min: z.array(z.number()).describe('smallest float weight of each channel'),
  max: z.array(z.number()),
  sqnr: z.array(decibel).describe('of the rounded weights of each channel, in dB'),
  sqnrAll: decibel.optional().describe('of all rounded weights together'),
  unusedCodes: count.optional().describe('codes of the grid that no weight has'),
  deadChannels: z.array(count).optional().describe('channels whose weights all became zero'),
});

/** Signal-to-noise ratios channel by channel: alone, and with all layers quantized. */
const channelNoise = z.strictObject({
  isolated: z.array(decibel).optional(),
  cumulative: z.array(decibel).optional(),
});

/** One layer (an operator group) of a quantized model. */
export const reportLayer = z.strictObject({
  name: z.string().describe("the anchor node's name in the graph"),
  opType: z.string(),
  pattern: z.array(z.string()).optional().describe('operators of the group, e.g. Conv and Relu'),
  input: z.string().optional().describe('name of the tensor that enters, as tensors lists it'),
  output: z.string().optional(),
  weights: reportWeights.optional(),
  biasBits: z.number().int().optional(),
  float: z.strictObject({ code: z.string(), reason: z.string() }).optional(),
  isolated: decibel.optional().describe('SQNR of the output when only this layer is quantized'),
  cumulative: decibel.optional().describe('SQNR of the output when all layers are quantized'),
  channels: channelNoise.optional().describe('the same for each channel of the output'),
  inputNoise: z
    .strictObject({
      isolated: decibel.describe('SQNR of the input behind its quantizer, float values before it'),
      cumulative: decibel.optional().describe('the same when all layers are quantized'),
      channels: channelNoise,
      dead: z
        .strictObject({ float: z.array(count), quantized: z.array(count) })
        .describe('channels that were zero for every sample: in the float network, and behind the quantizer'),
    })
    .optional(),
  macs: count.optional().describe('multiply-accumulates a sample'),
  explanation: z.string().describe('one or two sentences: what became of it and why'),
});

/** A quantized activation tensor: its float distribution, its clip lines and its codes. */
export const reportTensor = z.strictObject({
  name: z.string(),
  ...grid.shape,
  scale: z.number(),
  zeroPoint: z.number().int(),
  min: z.number().describe('smallest value seen in calibration'),
  max: z.number(),
  low: z.number().describe('value of the lowest code: below it values are clipped'),
  high: z.number(),
  edges: z.array(z.number()).describe('histogram edges in float values, one more than counts'),
  counts: z.array(count),
  codes: z.array(count).describe('how often each code from quantMin on is used; empty for 16 bits'),
  saturated: z
    .number()
    .optional()
    .describe('share of the values seen that lie more than half a step outside of low to high'),
  unusedCodes: count.optional(),
});

/** One quantization of a model, in detail. */
export const reportVariant = z.strictObject({
  bits: z.string(),
  scheme: z.string(),
  method: z.string(),
  backend: z.string(),
  dialect: z.string(),
  samples: count.describe('calibration samples'),
  accuracy: z.strictObject({ correct: count, total: count }).optional(),
  layers: z.array(reportLayer),
  tensors: z.array(reportTensor),
  promotions: z
    .array(
      z.strictObject({
        layer: z.string(),
        before: decibel.describe('SQNR of the first output in dB as the model is'),
        after: decibel.describe('the same with weights and input of this layer at 8 bits'),
        bytes: count.describe('bytes that its weights grow by, packed'),
      }),
    )
    .optional()
    .describe('the layers whose promotion to 8 bits buys most, the best first'),
  certificate: certificateDocument.optional(),
  sizes: z.array(
    z.strictObject({
      storage: z.string().describe('e.g. float32 weights; int8 carrier; packed to the width'),
      bytes: count,
    }),
  ),
  diagnostics: z.array(
    z.strictObject({
      code: z.string(),
      severity: z.enum(['info', 'warning', 'error']),
      message: z.string(),
      hint: z.string().optional(),
      at: errorDocument.shape.at,
    }),
  ),
});

/** An operator of the file that no longer stands for itself, and why. */
const changedNode = z.strictObject({ name: z.string(), opType: z.string(), reason: z.string() });

const failedCondition = z.strictObject({
  node: z.string().describe('the operator at which it failed, or that reads the value'),
  value: z.string().optional(),
  needed: z.string(),
  found: z.string(),
});

/** How far a rewriting rule came at a node. */
export const reportRuleAttempt = z.strictObject({
  rule: z.string(),
  outcome: z.enum(['matches', 'rejected', 'no-match']),
  root: z.string().describe('where the pattern was rooted in the attempt that came farthest'),
  depth: count.describe('how many conditions held'),
  failed: failedCondition.optional().describe('the first condition that failed'),
  rejection: z
    .strictObject({ code: z.string(), message: z.string(), culprit: z.string().optional() })
    .optional()
    .describe("why the rule's own condition refused a full match"),
});

/** What an entry of a backend table said to a node. */
export const reportEntryAttempt = z.strictObject({
  pattern: z.string(),
  outcome: z.enum(['claims', 'shadowed', 'refused', 'no-match']),
  depth: count.describe('how many operators of the chain fitted'),
  failed: failedCondition.optional(),
  refusal: z.strictObject({ code: z.string(), reason: z.string() }).optional(),
});

/** The patterns that were tried at the nodes of a model, and what stopped each. */
export const reportExplanations = z.strictObject({
  rules: z
    .array(z.strictObject({ rule: z.string(), pattern: z.string() }))
    .describe('the patterns of the rules that are named below'),
  nodes: z.array(
    z.strictObject({
      name: z.string(),
      madeOf: z.array(changedNode).describe('operators of the file that it stands for'),
      rules: z
        .array(reportRuleAttempt)
        .describe('rules with its operator in their pattern, those that came farthest first'),
      tables: z.array(
        z.strictObject({
          backend: z.string(),
          entries: z.array(reportEntryAttempt).describe('entries with its operator'),
          nearest: z
            .strictObject({ pattern: z.string(), of: z.string(), failed: failedCondition })
            .optional()
            .describe('of all that do not fit, what came farthest'),
        }),
      ),
    }),
  ),
  gone: z.array(changedNode).describe('operators of the file that nothing stands for'),
});

/** A point of the plot of accuracy against cost. */
export const paretoPoint = z.strictObject({
  label: z.string().describe('e.g. W4A4, or the name of a mixed assignment'),
  bytes: count.describe('weights packed to their widths'),
  bops: z
    .number()
    .nonnegative()
    .optional()
    .describe('bit operations a sample: MACs x weight bits x activation bits'),
  correct: count.optional(),
  total: count.optional(),
  quality: z
    .number()
    .optional()
    .describe('of the search under a budget: SQNR at the outputs that the sensitivities add up to, in dB'),
  mixed: z.boolean(),
  widths: z.record(z.string(), z.string()).optional().describe('bits of each layer of a mixed assignment'),
  file: z.string().optional().describe('the model of this point, where it was written'),
});

/** A model and its quantizations. */
export const reportModel = z.strictObject({
  name: z.string(),
  path: z.string(),
  sha256: z.string(),
  bytes: count,
  float: z.strictObject({ correct: count, total: count }).optional(),
  inputs: z.array(z.string()),
  outputs: z.array(z.string()),
  nodes: z.array(reportNode).describe('in topological order'),
  values: z.array(reportValue),
  explanations: reportExplanations.optional().describe('absent for graphs of more than 2500 nodes'),
  variants: z.array(reportVariant),
  pareto: z.array(paretoPoint),
});

/** Everything that the HTML report shows; the page is made from this document alone. */
export const reportDocument = z.strictObject({
  kind: z.literal('bitwright.report'),
  version: z.literal(1),
  title: z.string(),
  reproduce: z.strictObject({
    command: z.string().describe('the command line that makes this report again'),
    versions: z.record(z.string(), z.string()).describe('bitwright, node, onnxruntime'),
    models: z.array(z.strictObject({ path: z.string(), sha256: z.string() })),
    data: z.array(
      z.strictObject({
        role: z.enum(['calibration', 'evaluation']),
        ...sweepData.shape,
        sha256: z.string().optional().describe('of the samples as tensors'),
      }),
    ),
  }),
  sweep: sweepDocument.optional(),
  simulations: z.array(reportSimulation).optional(),
  models: z.array(reportModel),
});

/** See {@link reportDocument}. */
export type ReportDocument = z.infer<typeof reportDocument>;
/** See {@link reportModel}. */
export type ReportModel = z.infer<typeof reportModel>;
/** See {@link reportVariant}. */
export type ReportVariant = z.infer<typeof reportVariant>;
/** See {@link reportExplanations}. */
export type ReportExplanations = z.infer<typeof reportExplanations>;
/** See {@link reportLayer}. */
export type ReportLayer = z.infer<typeof reportLayer>;
/** See {@link reportTensor}. */
export type ReportTensor = z.infer<typeof reportTensor>;
/** See {@link paretoPoint}. */
export type ParetoPoint = z.infer<typeof paretoPoint>;
