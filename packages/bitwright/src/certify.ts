import { type CertificateDocument, certifyGraphs, openOptimized, timeModels } from '@bitwright/analyze';
import { BitwrightError } from '@bitwright/core';
import { emitBytes } from '@bitwright/emit';
import type { GraphModule } from '@bitwright/graph';
import { openOrtNode } from '@bitwright/runtime';
import { diagnoseFile } from './diagnose-model.js';
import { loadModel, type ModelInput, modelName } from './model-file.js';
import { versions } from './node/versions.js';
import { asFloatModel, liftModel } from './requantize.js';
import type { RunHooks } from './run-hooks.js';
import { assertRunnableOutputs } from './runtime-guards.js';

/** What a certificate is asked for. */
export interface CertifyOptions {
  /** Times the model, and the float one that it stands for in turn with it. */
  readonly time?: boolean;
  /** The least share of nodes that must run in integers, as `integer=95%`. */
  readonly require?: string;
  /** Threads of the timed sessions; the runtime's choice by default. */
  readonly threads?: number;
}

/**
 * Loads a model in the stock runtime, and says of every node which kernel really runs it, why it is float where it is, and
 * which layers can saturate on CPUs without VNNI.
 *
 * @returns the document; `error` in it is CERTIFY_REQUIRE_MISSED when fewer nodes run in integers than `require` says.
 * @throws BitwrightError when the model can't be read or loaded, OPTION_VALUE for a requirement that can't be read.
 */
export async function certify(
  model: ModelInput,
  options: CertifyOptions = {},
  hooks: Pick<RunHooks, 'signal'> = {},
): Promise<CertificateDocument> {
  const least = options.require === undefined ? undefined : parseRequirement(options.require);
  const path = modelName(model);
  const file = loadModel(model);
  assertRunnableOutputs(file, path);
  const threads = options.threads === undefined ? {} : { threads: options.threads };
  const { executor, optimized } = await openOptimized(emitBytes(file, { external: 'inline' }), {
    name: path,
    ...threads,
  });
  try {
    const runtime = `onnxruntime-node ${versions().onnxruntime}, CPU`;
    const document = certifyGraphs({ path, file, optimized, runtime });
    const diagnostics = diagnoseFile(file);
    const time =
      options.time === true ? await timed(executor, file, path, { ...threads, ...hooks }) : undefined;
    const share = document.total === 0 ? 0 : (100 * document.integer) / document.total;
    return {
      ...document,
      diagnostics,
      ...(time && { time }),
      ...(least !== undefined && share < least && { error: requirementMissed(document, least).toJSON() }),
    };
  } finally {
    await executor.release();
  }
}

async function timed(
  executor: Awaited<ReturnType<typeof openOptimized>>['executor'],
  file: GraphModule,
  path: string,
  options: { readonly threads?: number; readonly signal?: AbortSignal },
): Promise<NonNullable<CertificateDocument['time']>> {
  const lifted = liftModel(file, path);
  if (lifted === undefined) return timeModels(executor, undefined, options);
  asFloatModel(lifted);
  const bytes = emitBytes(file, { external: 'inline' });
  const { threads } = options;
  const float = await openOrtNode(bytes, {
    name: `${path} without quantizers`,
    ...(threads !== undefined && { threads }),
  });
  try {
    return await timeModels(executor, float, options);
  } finally {
    await float.release();
  }
}

function parseRequirement(text: string): number {
  const percent = Number(/^integer\s*=\s*(\d+(?:\.\d+)?)\s*%$/.exec(text.trim())?.[1] ?? Number.NaN);
  if (percent <= 100) return percent;
  throw new BitwrightError({
    code: 'OPTION_VALUE',
    message: `--require can't be '${text}'.`,
    hint: 'Write for example --require integer=95%.',
    at: { option: '--require' },
    kind: 'usage',
  });
}

function requirementMissed({ integer, total, model }: CertificateDocument, least: number): BitwrightError {
  return new BitwrightError({
    code: 'CERTIFY_REQUIRE_MISSED',
    message: `${integer} of ${total} nodes run in integers, where ${least} % are required.`,
    hint: 'The certificate says of each float node why it is float.',
    at: { file: model, option: '--require' },
    kind: 'budget',
  });
}
