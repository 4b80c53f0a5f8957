import { isCommutative, splitOpName } from './op-schemas.js';
import {
  type AnyData,
  type AnyOfData,
  type ConstantData,
  captureNames,
  type OpData,
  type PatternData,
  type ResultOfData,
  type SameData,
  type VariadicData,
} from './pattern-data.js';

/** The value that is looked at, and the operator that reads it: registers of the machine. */
interface Position {
  readonly value: number;
  readonly reader: number;
}

/** One step of looking for a pattern. Registers hold nodes, values and captures; a step that fails leads back to the last choice. */
export type Step =
  | { readonly kind: 'load'; readonly value: number; readonly reader: number; readonly index: number }
  | (Position & { readonly kind: 'any'; readonly data: AnyData; readonly slot: number })
  | (Position & { readonly kind: 'constant'; readonly data: ConstantData; readonly slot: number })
  | (Position & { readonly kind: 'same'; readonly data: SameData; readonly of: number })
  | (Position & { readonly kind: 'resultOf'; readonly data: ResultOfData; readonly of: number })
  | (Position & { readonly kind: 'absent' })
  | (Position & { readonly kind: 'optional'; readonly to: number; readonly slots: readonly number[] })
  | (Position & { readonly kind: 'guards'; readonly data: AnyOfData; readonly slot: number })
  | { readonly kind: 'choose'; readonly otherwise: number }
  | { readonly kind: 'jump'; readonly to: number }
  | (Position & OpStep & { readonly kind: 'op' })
  | (OpStep & { readonly kind: 'root' })
  | {
      readonly kind: 'variadic';
      readonly data: VariadicData;
      readonly reader: number;
      readonly from: number;
      /** The register of the input in turn, and the steps that each one goes through. */
      readonly value: number;
      readonly each: readonly Step[];
      readonly slots: readonly number[];
    };

/** What an operator must be, and the register that it goes into. */
interface OpStep {
  readonly data: OpData;
  readonly opType: string;
  readonly domain: string;
  readonly node: number;
  readonly slot: number;
  /** Both orders of the first two inputs are tried. */
  readonly commutes: boolean;
}

/** A pattern as a list of steps. */
export interface Program {
  readonly steps: readonly Step[];
  /** The name of each capture register. */
  readonly names: readonly string[];
  readonly hasVariadic: boolean;
}

const programs = new WeakMap<PatternData, Program>();

/** The steps of a pattern; made once for each. */
export function compilePattern(pattern: PatternData): Program {
  const known = programs.get(pattern);
  if (known !== undefined) return known;
  const program = new Compiler(pattern).program();
  programs.set(pattern, program);
  return program;
}

/** A step whose target is filled in once it is known. */
type Open = { to?: number; otherwise?: number };

class Compiler {
  readonly #slots: ReadonlyMap<string, number>;
  #steps: Step[] = [];
  #nodes = 0;
  #values = 0;
  #hasVariadic = false;

  constructor(private readonly pattern: PatternData) {
    this.#slots = new Map([...captureNames(pattern)].map((name, slot) => [name, slot]));
  }

  program(): Program {
    this.#root(this.pattern);
    return { steps: this.#steps, names: [...this.#slots.keys()], hasVariadic: this.#hasVariadic };
  }

  #root(data: PatternData): void {
    if (data.kind === 'anyOf') {
      const guards = { kind: 'guards', data, value: ROOT, reader: ROOT, slot: this.#slot(data) } as const;
      this.#steps.push(guards);
      this.#alternatives(data, (option) => this.#root(option));
    } else if (data.kind === 'op') {
      const step = { kind: 'root', ...this.#opStep(data) } as const;
      this.#steps.push(step);
      this.#inputs(data, step.node);
    }
  }

  #inputs({ inputs }: OpData, reader: number): void {
    for (const [index, data] of inputs.entries()) {
      const value = this.#values++;
      if (data.kind === 'variadic') this.#variadic(data, value, reader, index);
      else {
        this.#steps.push({ kind: 'load', value, reader, index });
        this.#value(data, { value, reader });
      }
    }
  }

  #value(data: PatternData, at: Position): void {
    switch (data.kind) {
      case 'any':
        this.#steps.push({ kind: 'any', data, ...at, slot: this.#slot(data) });
        break;
      case 'constant':
        this.#steps.push({ kind: 'constant', data, ...at, slot: this.#slot(data) });
        break;
      case 'same':
        this.#steps.push({ kind: 'same', data, ...at, of: this.#slots.get(data.of) ?? -1 });
        break;
      case 'resultOf':
        this.#steps.push({ kind: 'resultOf', data, ...at, of: this.#slots.get(data.of) ?? -1 });
        break;
      case 'absent':
        this.#steps.push({ kind: 'absent', ...at });
        break;
      case 'optional': {
        const slots = this.#slotsOf(data.inner);
        const skip = this.#open({ kind: 'optional', ...at, to: 0, slots });
        this.#value(data.inner, at);
        skip.to = this.#steps.length;
        break;
      }
      case 'anyOf':
        this.#steps.push({ kind: 'guards', data, ...at, slot: this.#slot(data) });
        this.#alternatives(data, (option) => this.#value(option, at));
        break;
      case 'op': {
        const step = { kind: 'op', ...at, ...this.#opStep(data) } as const;
        this.#steps.push(step);
        this.#inputs(data, step.node);
        break;
      }
      case 'variadic':
        this.#variadic(data, at.value, at.reader, 0);
    }
  }

  #alternatives({ options }: AnyOfData, compile: (option: PatternData) => void): void {
    const ends: Open[] = [];
    for (const [i, option] of options.entries()) {
      const isLast = i === options.length - 1;
      const choice = isLast ? undefined : this.#open({ kind: 'choose', otherwise: 0 });
      compile(option);
      if (choice === undefined) continue;
      ends.push(this.#open({ kind: 'jump', to: 0 }));
      choice.otherwise = this.#steps.length;
    }
    for (const end of ends) end.to = this.#steps.length;
  }

  #variadic(data: VariadicData, value: number, reader: number, from: number): void {
    this.#hasVariadic = true;
    const outer = this.#steps;
    const each: Step[] = [];
    this.#steps = each;
    this.#value(data.inner, { value, reader });
    this.#steps = outer;
    outer.push({ kind: 'variadic', data, reader, from, value, each, slots: this.#slotsOf(data.inner) });
  }

  #opStep(data: OpData): OpStep {
    const commutes =
      isCommutative(data.opName) && data.inputs.length > 0 && data.inputs[0]!.kind !== 'variadic';
    return { data, ...splitOpName(data.opName), node: this.#nodes++, slot: this.#slot(data), commutes };
  }

  #open(step: Step): Open {
    this.#steps.push(step);
    return step as Open;
  }

  #slot({ capture }: { readonly capture?: string }): number {
    return capture === undefined ? -1 : this.#slots.get(capture)!;
  }

  #slotsOf(data: PatternData): number[] {
    return [...captureNames(data)].map((name) => this.#slots.get(name)!);
  }
}

/** Stands for the registers of an alternative at the root, which nobody reads. */
const ROOT = -1;
