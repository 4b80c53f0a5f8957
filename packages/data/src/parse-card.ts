import { BitwrightError, didYouMean } from '@bitwright/core';
import * as z from 'zod';
import type { DataCard } from './data-card.js';

const FORMATS = [
  'images',
  'image-folder',
  'cifar10-binary',
  'idx',
  'npy',
  'npz',
  'onnx-tensors',
  'random',
] as const;

/** Checks a card against its schema. @throws DATA_CARD_INVALID naming the card and the key, with the nearest known one. */
export async function parseCard(raw: unknown, name: string): Promise<DataCard> {
  const { schemas, imageKeys } = cardSchemas();
  const format = (raw as { format?: unknown } | null)?.format;
  if (typeof format !== 'string' || !(FORMATS as readonly string[]).includes(format)) {
    throw cardError(
      name,
      'format',
      `'format' is ${JSON.stringify(format)}`,
      didYouMean(String(format), FORMATS),
    );
  }
  const schema = schemas[format as 'images'];
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data as DataCard;
  const issue = deepest(parsed.error.issues[0] as CardIssue);
  const path = issue.path.map(String).join('.');
  const [unknown] = issue.keys ?? [];
  if (unknown === undefined) throw cardError(name, path, issue.message, 'Correct this value.');
  const known = issue.path.length === 0 ? Object.keys(schema.shape) : imageKeys;
  throw cardError(
    name,
    [path, unknown].filter((part) => part !== '').join('.'),
    `'${unknown}' is not a key of a data card there`,
    didYouMean(unknown, known),
  );
}

/** The parts that the formats' schemas are made of. */
function cardParts() {
  const numbers = z.union([z.number(), z.array(z.number()).min(1)]);
  const size = z.tuple([z.int().positive(), z.int().positive()]);
  const image = z.strictObject({
    from: z.literal('image'),
    shorterSide: z.int().positive().optional(),
    resize: size.optional(),
    interpolation: z.enum(['linear', 'cubic']).optional(),
    centerCrop: z.union([z.int().positive(), size]).optional(),
    channels: z.enum(['RGB', 'BGR', 'grey']).optional(),
    layout: z.enum(['NCHW', 'NHWC']).optional(),
    rescale: z.number().optional(),
    mean: numbers.optional(),
    std: numbers.optional(),
  });
  const shape = z.array(z.int().nonnegative()).optional();
  const constant = z.strictObject({ value: z.number(), shape });
  const random = z.strictObject({
    distribution: z.literal('uniform'),
    low: z.number(),
    high: z.number(),
    shape,
  });
  const from = z.literal('array').optional();
  const array = z.strictObject({ from, file: z.string().optional() });
  const archived = z.strictObject({ from, array: z.string().optional() });
  const tensorFile = z.strictObject({ file: z.string().optional() });
  const arrayLabel = z.strictObject({ from: z.literal('npy'), file: z.string() }).optional();
  const files = { files: z.array(z.string()).min(1).optional(), list: z.string().optional() };
  const selection = {
    skip: z.int().nonnegative().optional(),
    shuffle: z.int().nonnegative().optional(),
    take: z.int().positive().optional(),
  };
  const label = z.union([
    z.literal('folder'),
    z.strictObject({ from: z.literal('file-name'), before: z.string(), classes: z.string() }),
    z.strictObject({ from: z.literal('csv'), file: z.string(), path: z.string(), label: z.string() }),
  ]);
  return { image, constant, random, array, archived, tensorFile, arrayLabel, files, selection, label };
}

/** One schema for each format; unknown keys are errors. */
function cardSchemas() {
  const parts = cardParts();
  const { image, constant, random, files, selection, label } = parts;
  const pictures = z.record(z.string(), z.union([image, constant]));
  const record = z.literal('record').optional();
  const needed = { files: z.array(z.string()).min(1) };
  const imageFiles = { ...files, ...selection, inputs: pictures, label: label.optional() };
  const schemas = {
    images: z.strictObject({ format: z.literal('images'), ...imageFiles }),
    'image-folder': z.strictObject({ format: z.literal('image-folder'), ...imageFiles }),
    'cifar10-binary': z.strictObject({
      format: z.literal('cifar10-binary'),
      ...needed,
      ...selection,
      inputs: pictures,
      label: record,
    }),
    idx: z.strictObject({
      format: z.literal('idx'),
      ...needed,
      ...selection,
      inputs: pictures,
      label: record,
    }),
    npy: z.strictObject({
      format: z.literal('npy'),
      ...files,
      ...selection,
      inputs: z.record(z.string(), z.union([constant, parts.array])).optional(),
      label: parts.arrayLabel,
    }),
    npz: z.strictObject({
      format: z.literal('npz'),
      ...needed,
      ...selection,
      inputs: z.record(z.string(), z.union([constant, parts.archived])).optional(),
      label: z.string().optional(),
    }),
    'onnx-tensors': z.strictObject({
      format: z.literal('onnx-tensors'),
      ...needed,
      ...selection,
      inputs: z.record(z.string(), z.union([constant, parts.tensorFile])).optional(),
    }),
    random: z.strictObject({
      format: z.literal('random'),
      samples: z.int().positive(),
      seed: z.int().optional(),
      ...selection,
      inputs: z.record(z.string(), z.union([constant, random])),
    }),
  };
  return { schemas, imageKeys: Object.keys(image.shape) };
}

interface CardIssue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly keys?: readonly string[];
  readonly errors?: readonly (readonly CardIssue[])[];
}

/** The issue of the first alternative of a union, where it says more than that none fits. */
function deepest(issue: CardIssue): CardIssue {
  const inner = issue.errors?.[0]?.[0];
  if (inner === undefined) return issue;
  const found = deepest(inner);
  return { ...found, path: [...issue.path, ...found.path] };
}

function cardError(name: string, option: string, what: string, hint: string): BitwrightError {
  return new BitwrightError({
    code: 'DATA_CARD_INVALID',
    message: `The data card '${name}' is not valid at '${option || 'its top'}': ${what}.`,
    hint,
    at: { file: name, option },
  });
}
