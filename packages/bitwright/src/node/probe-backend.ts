import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type BackendConfig,
  type BackendPatternConfig,
  type Evidence,
  patternName,
} from '@bitwright/backends';
import { captureModel } from '@bitwright/capture';
import { BitwrightError } from '@bitwright/core';
import { sampleSourceFrom } from '@bitwright/data';
import { emitBytes } from '@bitwright/emit';
import type { GraphModule, OpNode, Value } from '@bitwright/graph';
import { calibrate, convert, prepare, QConfigResolver } from '@bitwright/quantize';
import { openOrtNode } from '@bitwright/runtime';
import { chooseDialect } from '../choose-dialect.js';
import { inputSpecs } from '../model-file.js';
import { probeModel } from '../probe/probe-model.js';
import { floats } from '../probe/probe-operators.js';
import { type ResolvedOptions, resolveOptions } from '../quantize-options.js';
import type { RunHooks } from '../run-hooks.js';

/** What ONNX Runtime on this machine does with one entry of a table. */
export interface ProbedEntry {
  readonly pattern: string;
  /** `integer`: no operator of it is left in float. `float`: some is. `refused`: it does not load. `not-quantized`: the table itself leaves it float. */
  readonly runs: 'integer' | 'float' | 'refused' | 'not-quantized';
  /** The operators that are really executed. */
  readonly kernels: readonly string[];
  readonly evidence?: Evidence;
  /** Whether a mark of `probed` is true; absent for other marks. */
  readonly confirmed?: boolean;
  readonly reason?: string;
}

/** What a probe of a table found. */
export interface ProbeReport {
  readonly backend: string;
  readonly runtime: string;
  readonly bits: string;
  readonly entries: readonly ProbedEntry[];
}

/**
 * Makes a model of each entry, quantizes it as the table says, loads it in ONNX Runtime on this machine, and reads back
 * what the runtime made of it.
 *
 * @throws BACKEND_NOT_PROBEABLE for a table whose files stock ONNX Runtime does not load.
 */
export async function probeBackend(backend: BackendConfig, hooks: RunHooks = {}): Promise<ProbeReport> {
  const resolved = resolveOptions({ bits: probedBits(backend), backend });
  const resolver = new QConfigResolver(resolved.qconfig, {}, []);
  const dialect = chooseDialect(resolved, resolver);
  if (!dialect.runsInOnnxRuntime) {
    throw new BitwrightError({
      code: 'BACKEND_NOT_PROBEABLE',
      message: `The files of the backend '${backend.name}' are in the dialect '${dialect.name}', which ONNX Runtime does not load.`,
      hint: 'Only tables whose files ONNX Runtime loads can be probed here.',
    });
  }
  const folder = mkdtempSync(join(tmpdir(), 'bitwright-probe-'));
  const entries: ProbedEntry[] = [];
  try {
    for (const [index, entry] of backend.entries.entries()) {
      hooks.signal?.throwIfAborted();
      entries.push(await probeEntry(entry, resolved, join(folder, `${index}.onnx`)));
      hooks.onProgress?.('probing', index + 1, backend.entries.length);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { backend: backend.name, runtime: 'onnxruntime-node', bits: probedBits(backend), entries };
}

async function probeEntry(
  entry: BackendPatternConfig,
  resolved: ResolvedOptions,
  optimizedModelPath: string,
): Promise<ProbedEntry> {
  const found = await runProbe(entry, resolved, optimizedModelPath);
  return {
    pattern: patternName(entry.pattern),
    ...found,
    ...(entry.evidence && { evidence: entry.evidence }),
    ...(entry.evidence === 'probed' && { confirmed: found.runs === 'integer' }),
  };
}

async function runProbe(
  entry: BackendPatternConfig,
  resolved: ResolvedOptions,
  optimizedModelPath: string,
): Promise<Pick<ProbedEntry, 'runs' | 'kernels' | 'reason'>> {
  try {
    const module = probeModel(entry, resolved.backend);
    const [refusal] = await quantizeProbe(module, resolved);
    if (refusal !== undefined) return { runs: 'not-quantized', kernels: [], reason: refusal };
    const executor = await openOrtNode(emitBytes(module), {
      name: 'a probe',
      threads: 1,
      optimizedModelPath,
    });
    await executor.release();
  } catch (thrown) {
    if (!(thrown instanceof BitwrightError)) throw thrown;
    return { runs: 'refused', kernels: [], reason: thrown.message };
  }
  return judge(captureModel(readFileSync(optimizedModelPath), { name: 'a probe as it runs' }));
}

/** Quantizes a probe, in place. @returns why operators stay float. */
async function quantizeProbe(module: GraphModule, resolved: ResolvedOptions): Promise<string[]> {
  const { qconfig, backend, observer, memory } = resolved;
  const resolver = new QConfigResolver(qconfig, {}, []);
  const specs = inputSpecs(module);
  const samples = [1, 2].map(() => ({
    inputs: Object.fromEntries(specs.map(({ name, shape }) => [name, floats((shape ?? []) as number[])])),
  }));
  const prepared = prepare(module, backend, resolver);
  await calibrate(prepared, { open: openOrtNode, data: sampleSourceFrom(samples, specs), observer, memory });
  convert(prepared, { weightSearch: 'min-max' });
  const guards = backend.guards ?? 'onnxruntime';
  chooseDialect(resolved, resolver).lower(module, { allowPairSaturation: false, guards });
  return [...prepared.float.values()].map(({ reason }) => reason);
}

const INTEGER_KERNELS = /^(QLinear|QGemm|MatMulInteger|ConvInteger|QAttention)/;

/** Looks for operators that work on floats in the graph that the runtime executes. */
function judge(module: GraphModule): Pick<ProbedEntry, 'runs' | 'kernels' | 'reason'> {
  const work = [...module.graph.ops()].filter(
    ({ opType }) => opType !== 'QuantizeLinear' && opType !== 'DequantizeLinear',
  );
  const kernels = [...new Set(work.map(({ opType }) => opType))];
  const float = work.find((node) => !INTEGER_KERNELS.test(node.opType) && !worksOnCodes(node.inputs[0]));
  if (float === undefined) return { runs: 'integer', kernels };
  return { runs: 'float', kernels, reason: `${float.opType} works on floats` };
}

/** True for a value that holds codes: what a QuantizeLinear or an integer kernel makes, or what operators that move values made of it. */
function worksOnCodes(value: Value | undefined): boolean {
  const producer = value?.producer;
  if (producer?.kind === 'get_attr') return producer.tensor.dtype !== 'float';
  if (producer?.kind !== 'op') return false;
  const { opType } = producer as OpNode;
  if (opType === 'DequantizeLinear') return false;
  return (
    opType === 'QuantizeLinear' ||
    opType.startsWith('QLinear') ||
    opType === 'QGemm' ||
    worksOnCodes(producer.inputs[0])
  );
}

/** 8 bits where the table takes them in layers with weights, else the first pair that it takes. */
function probedBits({ entries }: BackendConfig): string {
  const layers = entries.flatMap(({ dtypes }) => dtypes).filter(({ weight }) => weight !== undefined);
  const eight = layers.some(
    ({ input, weight }) => weight?.bits.includes(8) === true && (input?.bits.includes(8) ?? true),
  );
  const [first] = layers;
  if (eight || first === undefined) return '8';
  return `W${first.weight!.bits.at(-1)}A${first.input?.bits.at(-1) ?? 8}`;
}
