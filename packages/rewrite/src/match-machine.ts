import type { OpNode, Use, Value } from '@bitwright/graph';
import type { Program, Step } from './compile-pattern.js';
import { describeFailure, describeReader, type Failure } from './describe-failure.js';
import type { MatchTrace } from './match-trace.js';
import type { Captured, Match } from './matcher.js';
import type { Guard } from './pattern-data.js';

type StepOf<K extends Step['kind']> = Extract<Step, { kind: K }>;

/**
 * Runs the steps of patterns over operators. It keeps its registers and its stack of choices from one run to the next, so
 * that a pattern which does not fit costs no memory, and needs no recursion but for variadic inputs inside each other.
 */
export class MatchMachine {
  readonly #nodes: OpNode[] = [];
  readonly #swapped: boolean[] = [];
  readonly #values: (Value | undefined)[] = [];
  readonly #slots: Captured[] = [];
  /** What captures were before they were overwritten: slot, old content. */
  readonly #trailSlots: number[] = [];
  readonly #trail: Captured[] = [];
  /** The operators matched so far, and of those the inner ones that nobody else may read with their readers. */
  readonly #matched: OpNode[] = [];
  readonly #inner: OpNode[] = [];
  readonly #readers: OpNode[] = [];
  /** Choices to come back to, six numbers each: step, lengths of trail, matched and inner, node register to swap, depth. */
  readonly #choices: number[] = [];
  #root!: OpNode;
  #trace: MatchTrace | undefined;
  #collects = false;
  #outsider: Use | undefined;
  #members: ReadonlySet<OpNode> | undefined;

  /** The pattern at an operator, if it is there. @param trace collects why it is not. */
  match(program: Program, root: OpNode, trace?: MatchTrace): Match | undefined {
    if (!this.#start(program, root, trace, false)) return undefined;
    // Lists of captures are gathered once it is known that all fits.
    if (program.hasVariadic) this.#start(program, root, undefined, true);
    const captures = new Map(program.names.map((name, slot) => [name, this.#slots[slot]]));
    return { root, captures, nodes: this.#matched.slice() };
  }

  #start(program: Program, root: OpNode, trace: MatchTrace | undefined, collects: boolean): boolean {
    this.#root = root;
    this.#trace = trace;
    this.#collects = collects;
    for (let slot = 0; slot < program.names.length; slot++) this.#slots[slot] = undefined;
    this.#trailSlots.length = 0;
    this.#trail.length = 0;
    this.#matched.length = 0;
    this.#inner.length = 0;
    this.#readers.length = 0;
    this.#choices.length = 0;
    return this.#run(program.steps, true);
  }

  /** @param whole the steps are those of a whole pattern, whose last condition is that nobody else reads what is inside. */
  #run(steps: readonly Step[], whole: boolean): boolean {
    const base = this.#choices.length;
    let at = 0;
    for (;;) {
      if (at === steps.length) {
        if (!whole || this.#unused()) break;
        at = FAILED;
      } else at = this.#step(steps[at]!, at);
      if (at !== FAILED) {
        if (this.#trace !== undefined) this.#trace.position++;
        continue;
      }
      if (this.#choices.length === base) return false;
      at = this.#back();
    }
    this.#choices.length = base;
    return true;
  }

  /** Does one step; returns the next one, or FAILED. */
  #step(step: Step, at: number): number {
    switch (step.kind) {
      case 'load':
        this.#values[step.value] = this.#input(step.reader, step.index);
        return at + 1;
      case 'any':
      case 'guards':
        return this.#any(step) ? at + 1 : FAILED;
      case 'constant':
        return this.#constant(step) ? at + 1 : FAILED;
      case 'same':
      case 'resultOf':
        return this.#captured(step) ? at + 1 : FAILED;
      case 'absent':
        return this.#values[step.value] === undefined || this.#fail(step, { kind: 'present' })
          ? at + 1
          : FAILED;
      case 'optional':
        if (this.#values[step.value] !== undefined) return at + 1;
        for (const slot of step.slots) this.#capture(slot, undefined);
        return step.to;
      case 'choose':
        this.#choose(step.otherwise, -1);
        return at + 1;
      case 'jump':
        return step.to;
      case 'root':
        return this.#op(step, this.#root, this.#root.outputs[step.data.output ?? 0], at) ? at + 1 : FAILED;
      case 'op':
        return this.#innerOp(step, at) ? at + 1 : FAILED;
      case 'variadic':
        return this.#variadic(step) ? at + 1 : FAILED;
    }
  }

  #any(step: StepOf<'any' | 'guards'>): boolean {
    const isRoot = step.reader < 0;
    const value = isRoot ? this.#root.outputs[0] : this.#values[step.value];
    if (value === undefined) return this.#fail(step, { kind: 'left-out', data: step.data });
    if (!this.#holdsAll(step.data.valueGuards, value, isRoot ? this.#root : this.#nodes[step.reader]!, value))
      return false;
    this.#capture(step.slot, value);
    return true;
  }

  #constant(step: StepOf<'constant'>): boolean {
    const value = this.#values[step.value];
    if (value === undefined) return this.#fail(step, { kind: 'left-out', data: step.data });
    const { producer } = value;
    if (producer.kind !== 'get_attr') return this.#fail(step, { kind: 'not-constant' });
    const reader = this.#nodes[step.reader]!;
    if (!this.#holdsAll(step.data.valueGuards, value, reader, value)) return false;
    if (!this.#holdsAll(step.data.nodeGuards, producer, reader, value)) return false;
    this.#capture(step.slot, producer);
    return true;
  }

  #captured(step: StepOf<'same' | 'resultOf'>): boolean {
    const value = this.#values[step.value];
    const captured = this.#slots[step.of];
    if (value === undefined) return this.#fail(step, { kind: 'left-out', data: step.data });
    if (step.kind === 'same')
      return captured === value || this.#fail(step, { kind: 'other-value', data: step.data });
    const isResult = value.producer === captured && value.index === step.data.index;
    return isResult || this.#fail(step, { kind: 'other-value', data: step.data });
  }

  #innerOp(step: StepOf<'op'>, at: number): boolean {
    const value = this.#values[step.value];
    if (value === undefined) return this.#fail(step, { kind: 'left-out', data: step.data });
    const { producer } = value;
    if (
      producer.kind !== 'op' ||
      producer.opType !== step.opType ||
      !sameDomain(producer.domain, step.domain)
    )
      return this.#fail(step, { kind: 'other-maker', data: step.data });
    const reader = this.#nodes[step.reader]!;
    if (!step.data.crossing && producer.graph !== reader.graph)
      return this.#fail(step, { kind: 'other-graph', data: step.data });
    if (value.index !== (step.data.output ?? 0))
      return this.#fail(step, { kind: 'other-result', data: step.data });
    if (!step.data.shared) {
      this.#inner.push(producer);
      this.#readers.push(reader);
    }
    return this.#op(step, producer, value, at);
  }

  #op(step: StepOf<'op' | 'root'>, node: OpNode, value: Value | undefined, at: number): boolean {
    if (node.opType !== step.opType || !sameDomain(node.domain, step.domain))
      return this.#failAt(node, undefined, { kind: 'other-root', data: step.data });
    if (!this.#holdsAll(step.data.nodeGuards, node, node, value)) return false;
    const guards = step.data.valueGuards;
    if (guards.length > 0 && (value === undefined || !this.#holdsAll(guards, value, node, value)))
      return false;
    this.#trace?.see(node);
    this.#matched.push(node);
    this.#nodes[step.node] = node;
    this.#swapped[step.node] = false;
    this.#capture(step.slot, node);
    const { inputs } = node;
    if (step.commutes && inputs.length > 1 && inputs[0] !== inputs[1]) this.#choose(at + 1, step.node);
    return true;
  }

  /** Each input is matched on its own, and stays matched; its captures are appended to lists. */
  #variadic(step: StepOf<'variadic'>): boolean {
    const reader = this.#nodes[step.reader]!;
    const count = reader.inputs.length - step.from;
    if (count < step.data.atLeast)
      return this.#failAt(reader, undefined, { kind: 'too-few', data: step.data, count: Math.max(0, count) });
    const lists = this.#collects ? step.slots.map((): Captured[] => []) : undefined;
    for (let i = 0; i < count; i++) {
      this.#values[step.value] = this.#input(step.reader, step.from + i);
      if (!this.#run(step.each, false)) return false;
      if (lists === undefined) continue;
      for (const [k, slot] of step.slots.entries()) lists[k]!.push(this.#slots[slot]);
    }
    for (let k = 0; k < step.slots.length; k++) this.#capture(step.slots[k]!, lists?.[k]);
    return true;
  }

  #input(reader: number, index: number): Value | undefined {
    const place = index < 2 && this.#swapped[reader] === true ? 1 - index : index;
    return this.#nodes[reader]!.inputs[place];
  }

  #capture(slot: number, captured: Captured): void {
    if (slot < 0) return;
    this.#trailSlots.push(slot);
    this.#trail.push(this.#slots[slot]);
    this.#slots[slot] = captured;
  }

  #choose(step: number, swap: number): void {
    this.#choices.push(
      step,
      this.#trail.length,
      this.#matched.length,
      this.#inner.length,
      swap,
      this.#trace?.position ?? 0,
    );
  }

  /** Goes back to the last choice and takes the other way. */
  #back(): number {
    const choices = this.#choices;
    const depth = choices.pop()!;
    const swap = choices.pop()!;
    this.#inner.length = choices.pop()!;
    this.#readers.length = this.#inner.length;
    this.#matched.length = choices.pop()!;
    const trail = choices.pop()!;
    while (this.#trail.length > trail) this.#slots[this.#trailSlots.pop()!] = this.#trail.pop();
    if (swap >= 0) this.#swapped[swap] = true;
    if (this.#trace !== undefined) this.#trace.position = depth;
    return choices.pop()!;
  }

  #holdsAll<S>(guards: readonly Guard<S>[], subject: S, node: OpNode, value: Value | undefined): boolean {
    for (let i = 0; i < guards.length; i++) {
      const guard = guards[i]!;
      if (guard.holds(subject)) continue;
      this.#trace?.fail(node, value, guard.needed, this.#trace.position, () => guard.found(subject));
      return false;
    }
    return true;
  }

  /** The last condition: the results of inner operators are read inside the match only. */
  #unused(): boolean {
    const matched = this.#matched;
    this.#members = matched.length > MANY ? new Set(matched) : undefined;
    let reads = 0;
    for (let i = 0; i < matched.length; i++) reads += matched[i]!.inputs.length;
    for (let i = 0; i < this.#inner.length; i++) {
      const { outputs } = this.#inner[i]!;
      for (let k = 0; k < outputs.length; k++) {
        const value = outputs[k]!;
        this.#outsider = undefined;
        // More uses than the match has inputs: no need to look at them, who may be very many, to know of an outsider.
        if (value.uses.size > reads && this.#trace === undefined) return false;
        value.uses.forEach(this.#noteOutsider);
        if (this.#outsider === undefined) continue;
        const { node } = this.#outsider as Use;
        const needed = `no other reader of '${value.name}'`;
        this.#trace?.fail(this.#readers[i]!, value, needed, this.#trace.position, () => describeReader(node));
        return false;
      }
    }
    return true;
  }

  readonly #noteOutsider = (use: Use): void => {
    if (this.#outsider !== undefined) return;
    const { node } = use;
    const inside = node.kind === 'op' && (this.#members?.has(node) ?? this.#matched.includes(node));
    if (!inside) this.#outsider = use;
  };

  #fail(step: { readonly value: number; readonly reader: number }, failure: Failure): false {
    return this.#failAt(
      step.reader < 0 ? this.#root : this.#nodes[step.reader]!,
      this.#values[step.value],
      failure,
    );
  }

  #failAt(node: OpNode, value: Value | undefined, failure: Failure): false {
    if (this.#trace === undefined) return false;
    const { needed, found } = describeFailure(failure, node, value);
    this.#trace.fail(node, value, needed, this.#trace.position, () => found);
    return false;
  }
}

/** No next step. */
const FAILED = -1;

/** From so many matched operators on membership is looked up in a set. */
const MANY = 16;

function sameDomain(domain: string, wanted: string): boolean {
  return domain === wanted || (domain === 'ai.onnx' && wanted === '');
}
