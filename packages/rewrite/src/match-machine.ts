import type { OpNode, Use, Value } from '@bitwright/graph';
import type { Program, Step } from './compile-pattern.js';
import { describeFailure, describeReader, type FailureKind } from './describe-failure.js';
import type { MatchTrace } from './match-trace.js';
import type { Captured, Match } from './matcher.js';
import type { Guard, PatternData } from './pattern-data.js';

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
  // The stacks below keep their memory: each has a top of its own, since an array that is cut gives its memory back.
  /** What captures were before they were overwritten: slot, old content. */
  readonly #trailSlots: number[] = [];
  readonly #trail: Captured[] = [];
  #trailTop = 0;
  /** The operators matched so far, and of those the inner ones that nobody else may read with their readers. */
  readonly #matched: OpNode[] = [];
  #matchedTop = 0;
  readonly #inner: OpNode[] = [];
  readonly #readers: OpNode[] = [];
  #innerTop = 0;
  /** Choices to come back to, six numbers each: step, tops of trail, matched and inner, node register to swap, depth. */
  readonly #choices: number[] = [];
  #choicesTop = 0;
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
    return this.#found(program.names);
  }

  // What follows a success or a trace has methods of its own: a function that holds a closure costs memory at every call.
  #found(names: readonly string[]): Match {
    const captures = new Map(names.map((name, slot) => [name, this.#slots[slot]]));
    return { root: this.#root, captures, nodes: this.#matched.slice(0, this.#matchedTop) };
  }

  #start(program: Program, root: OpNode, trace: MatchTrace | undefined, collects: boolean): boolean {
    this.#root = root;
    this.#trace = trace;
    this.#collects = collects;
    for (let slot = 0; slot < program.names.length; slot++) this.#slots[slot] = undefined;
    this.#trailTop = 0;
    this.#matchedTop = 0;
    this.#innerTop = 0;
    this.#choicesTop = 0;
    return this.#run(program.steps, true);
  }

  /** @param whole the steps are those of a whole pattern, whose last condition is that nobody else reads what is inside. */
  #run(steps: readonly Step[], whole: boolean): boolean {
    const base = this.#choicesTop;
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
      if (this.#choicesTop === base) return false;
      at = this.#back();
    }
    this.#choicesTop = base;
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
        return this.#values[step.value] === undefined || this.#fail(step, 'present') ? at + 1 : FAILED;
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
    if (value === undefined) return this.#fail(step, 'left-out');
    if (!this.#holdsAll(step.data.valueGuards, value, isRoot ? this.#root : this.#nodes[step.reader]!, value))
      return false;
    this.#capture(step.slot, value);
    return true;
  }

  #constant(step: StepOf<'constant'>): boolean {
    const value = this.#values[step.value];
    if (value === undefined) return this.#fail(step, 'left-out');
    const { producer } = value;
    if (producer.kind !== 'get_attr') return this.#fail(step, 'not-constant');
    const reader = this.#nodes[step.reader]!;
    if (!this.#holdsAll(step.data.valueGuards, value, reader, value)) return false;
    if (!this.#holdsAll(step.data.nodeGuards, producer, reader, value)) return false;
    this.#capture(step.slot, producer);
    return true;
  }

  #captured(step: StepOf<'same' | 'resultOf'>): boolean {
    const value = this.#values[step.value];
    const captured = this.#slots[step.of];
    if (value === undefined) return this.#fail(step, 'left-out');
    if (step.kind === 'same') return captured === value || this.#fail(step, 'other-value');
    const isResult = value.producer === captured && value.index === step.data.index;
    return isResult || this.#fail(step, 'other-value');
  }

  #innerOp(step: StepOf<'op'>, at: number): boolean {
    const value = this.#values[step.value];
    if (value === undefined) return this.#fail(step, 'left-out');
    const { producer } = value;
    if (
      producer.kind !== 'op' ||
      producer.opType !== step.opType ||
      !sameDomain(producer.domain, step.domain)
    )
      return this.#fail(step, 'other-maker');
    const reader = this.#nodes[step.reader]!;
    if (!step.data.crossing && producer.graph !== reader.graph) return this.#fail(step, 'other-graph');
    if (value.index !== (step.data.output ?? 0)) return this.#fail(step, 'other-result');
    if (!step.data.shared) {
      this.#inner[this.#innerTop] = producer;
      this.#readers[this.#innerTop++] = reader;
    }
    return this.#op(step, producer, value, at);
  }

  #op(step: StepOf<'op' | 'root'>, node: OpNode, value: Value | undefined, at: number): boolean {
    if (node.opType !== step.opType || !sameDomain(node.domain, step.domain))
      return this.#failAt(node, undefined, 'other-root', step.data);
    if (!this.#holdsAll(step.data.nodeGuards, node, node, value)) return false;
    const guards = step.data.valueGuards;
    if (guards.length > 0 && (value === undefined || !this.#holdsAll(guards, value, node, value)))
      return false;
    this.#trace?.see(node);
    this.#matched[this.#matchedTop++] = node;
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
    if (count < step.data.atLeast) return this.#failAt(reader, undefined, 'too-few', step.data);
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
    this.#trailSlots[this.#trailTop] = slot;
    this.#trail[this.#trailTop++] = this.#slots[slot];
    this.#slots[slot] = captured;
  }

  #choose(step: number, swap: number): void {
    const choices = this.#choices;
    const top = this.#choicesTop;
    choices[top] = step;
    choices[top + 1] = this.#trailTop;
    choices[top + 2] = this.#matchedTop;
    choices[top + 3] = this.#innerTop;
    choices[top + 4] = swap;
    choices[top + 5] = this.#trace === undefined ? 0 : this.#trace.position;
    this.#choicesTop = top + CHOICE;
  }

  /** Goes back to the last choice and takes the other way. */
  #back(): number {
    const choices = this.#choices;
    const top = this.#choicesTop - CHOICE;
    this.#choicesTop = top;
    while (this.#trailTop > choices[top + 1]!) {
      this.#trailTop--;
      this.#slots[this.#trailSlots[this.#trailTop]!] = this.#trail[this.#trailTop];
    }
    this.#matchedTop = choices[top + 2]!;
    this.#innerTop = choices[top + 3]!;
    const swap = choices[top + 4]!;
    if (swap >= 0) this.#swapped[swap] = true;
    if (this.#trace !== undefined) this.#trace.position = choices[top + 5]!;
    return choices[top]!;
  }

  #holdsAll<S>(guards: readonly Guard<S>[], subject: S, node: OpNode, value: Value | undefined): boolean {
    for (let i = 0; i < guards.length; i++) {
      const guard = guards[i]!;
      if (guard.holds(subject)) continue;
      if (this.#trace !== undefined) this.#failGuard(this.#trace, guard, subject, node, value);
      return false;
    }
    return true;
  }

  #failGuard<S>(
    trace: MatchTrace,
    guard: Guard<S>,
    subject: S,
    node: OpNode,
    value: Value | undefined,
  ): void {
    trace.fail(node, value, guard.needed, trace.position, () => guard.found(subject));
  }

  /** The last condition: the results of inner operators are read inside the match only. */
  #unused(): boolean {
    const matched = this.#matched;
    const count = this.#matchedTop;
    this.#members = count > MANY ? new Set(matched.slice(0, count)) : undefined;
    let reads = 0;
    for (let i = 0; i < count; i++) reads += matched[i]!.inputs.length;
    for (let i = 0; i < this.#innerTop; i++) {
      const { outputs } = this.#inner[i]!;
      for (let k = 0; k < outputs.length; k++) {
        const value = outputs[k]!;
        this.#outsider = undefined;
        // More uses than the match has inputs: no need to look at them, who may be very many, to know of an outsider.
        if (value.uses.size > reads && this.#trace === undefined) return false;
        value.uses.forEach(this.#noteOutsider);
        if (this.#outsider === undefined) continue;
        if (this.#trace !== undefined)
          this.#failReader(this.#trace, this.#readers[i]!, value, this.#outsider);
        return false;
      }
    }
    return true;
  }

  #failReader(trace: MatchTrace, reader: OpNode, value: Value, { node }: Use): void {
    trace.fail(reader, value, `no other reader of '${value.name}'`, trace.position, () =>
      describeReader(node),
    );
  }

  readonly #noteOutsider = (use: Use): void => {
    if (this.#outsider !== undefined) return;
    const { node } = use;
    if (node.kind !== 'op' || !this.#isMember(node)) this.#outsider = use;
  };

  #isMember(node: OpNode): boolean {
    if (this.#members !== undefined) return this.#members.has(node);
    for (let i = 0; i < this.#matchedTop; i++) if (this.#matched[i] === node) return true;
    return false;
  }

  #fail(step: FailingStep, kind: FailureKind): false {
    const node = step.reader < 0 ? this.#root : this.#nodes[step.reader]!;
    return this.#failAt(node, this.#values[step.value], kind, step.data);
  }

  #failAt(node: OpNode, value: Value | undefined, kind: FailureKind, data: PatternData | undefined): false {
    if (this.#trace !== undefined) this.#failInWords(this.#trace, node, value, kind, data);
    return false;
  }

  #failInWords(
    trace: MatchTrace,
    node: OpNode,
    value: Value | undefined,
    kind: FailureKind,
    data: PatternData | undefined,
  ): void {
    const { needed, found } = describeFailure(kind, data, node, value);
    trace.fail(node, value, needed, trace.position, () => found);
  }
}

/** A step that looks at a value. */
interface FailingStep {
  readonly value: number;
  readonly reader: number;
  readonly data?: PatternData;
}

/** No next step. */
const FAILED = -1;

/** How many numbers a choice is. */
const CHOICE = 6;

/** From so many matched operators on membership is looked up in a set. */
const MANY = 16;

function sameDomain(domain: string, wanted: string): boolean {
  return domain === wanted || (domain === 'ai.onnx' && wanted === '');
}
