import type { BackendConfig } from '@bitwright/backends';
import type { Diagnostic } from '@bitwright/core';
import type { GraphModule } from '@bitwright/graph';
import {
  type FloatHistogram,
  type Observations,
  type ObserveOptions,
  observeModel,
  type PreparedModel,
  type QConfigResolver,
} from '@bitwright/quantize';
import type { Rule } from '@bitwright/rewrite';
import type { FloatPassReport } from './float-passes.js';

/** A captured model behind the passes. */
export interface PassedModel {
  readonly module: GraphModule;
  readonly passes: FloatPassReport;
  /** The rules that the passes applied. */
  readonly rules: readonly Rule[];
  /** What reading a quantized model as a float one was worth telling. */
  readonly lifting: readonly Diagnostic[];
}

/** A backend's table, with the configuration of the layers. */
export interface UsedTable {
  readonly backend: BackendConfig;
  readonly resolver: QConfigResolver;
}

/**
 * What several quantizations of one model on the same samples have in common: the captured graph behind the passes, and
 * what calibration observes. Each is made at the first call and given again afterwards; the graphs are copies.
 */
export class SharedWork {
  readonly #models = new Map<number, PassedModel>();
  readonly #observations = new Map<string, Observations>();
  readonly #tables = new Map<string, UsedTable>();
  #corrected: GraphModule | undefined;

  /** The model behind the passes for an operator set. */
  async model(opset: number, make: () => Promise<PassedModel>): Promise<PassedModel> {
    const held = this.#models.get(opset) ?? (await make());
    this.#models.set(opset, held);
    return { ...held, module: held.module.clone() };
  }

  /** What the float model's tensors hold; one pass over the data for every set of tensors that is asked for. */
  async observe(prepared: PreparedModel, options: ObserveOptions): Promise<Observations> {
    const tensors = prepared.groups.map(({ root }) => root.name).sort();
    const key = JSON.stringify([options.needs, ...tensors]);
    const held = this.#observations.get(key) ?? (await observeModel(prepared, options));
    this.#observations.set(key, held);
    return held;
  }

  /** Notes the table that a quantization went by; of those with one name the first is kept. */
  noteTable(table: UsedTable): void {
    if (!this.#tables.has(table.backend.name)) this.#tables.set(table.backend.name, table);
  }

  /** The tables that the quantizations went by, each name once. */
  get tables(): readonly UsedTable[] {
    return [...this.#tables.values()];
  }

  /** The model behind the passes as it is held, with what the passes did: not to be changed. */
  passedModel(): PassedModel {
    return [...this.#models.values()].at(-1)!;
  }

  /** Notes the float model that a quantization begins with, where corrections have changed it. */
  noteCorrected(module: GraphModule | undefined): void {
    this.#corrected = module;
  }

  /** The float model behind the passes and corrections, as the last quantization began with it. */
  floatModel(): GraphModule {
    return (this.#corrected ?? this.passedModel().module).clone();
  }

  /** True once a calibration has observed the float model; the layer-by-layer methods don't. */
  get hasObservations(): boolean {
    return this.#observations.size > 0;
  }

  /** The distribution that calibration saw of a tensor; undefined where none was observed. */
  histogramOf(tensor: string): FloatHistogram | undefined {
    for (const { tensors } of this.#observations.values()) {
      // an output that leaves the quantized part was renamed, so that the model's output keeps its name
      const found = tensors.get(tensor) ?? tensors.get(`${tensor}_float`);
      if (found !== undefined) return found.histogram;
    }
    return undefined;
  }
}
