import type { Diagnostic } from '@bitwright/core';
import { nodeName, type OpNode, type Value } from '@bitwright/graph';
import type { Annotation, Place } from './annotation.js';
import { type GridConstraints, mergeConstraints } from './grid-constraints.js';
import type { PlannedLayer } from './layer-plan.js';
import type { QConfig } from './qconfig.js';
import { UnionFind } from './union-find.js';

/** Places that are on one grid. */
export interface GridClass {
  /** Values that the grid is chosen for; those that only share it are not among them. */
  readonly roots: readonly Value[];
  readonly places: readonly Place[];
  readonly config: QConfig;
  readonly constraints: GridConstraints;
}

/** The grids of a graph, in the order in which their first place stands, and what could not be agreed on. */
export interface Solution {
  readonly classes: readonly GridClass[];
  readonly conflicts: readonly Diagnostic[];
}

/**
 * Finds which places are on one grid, by union-find: places that share, the edges of a value with the value itself, and
 * the edges of one width of a value that nothing quantizes at its producer. Where two sides don't agree, both are named,
 * and the edge gets a quantizer of its own behind the value's, so that each has what it demands.
 */
export function solveAnnotations(annotations: readonly Annotation[]): Solution {
  return new Solver(annotations).solve();
}

/** One place while classes grow. */
interface Point {
  readonly id: number;
  readonly place: Place;
  readonly layer: PlannedLayer;
  /** False for an edge whose value has a grid already: its own width is no demand. */
  readonly demands: boolean;
  /** The value that the class must be chosen for because of this place. */
  readonly root?: Value;
  readonly config?: QConfig;
  readonly constraints?: GridConstraints;
}

/** The state of a class: what all of its places agree on. */
interface ClassState {
  points: Point[];
  roots: Value[];
  config: QConfig | undefined;
  constraints: GridConstraints | undefined;
  /** A point whose demand the class follows, for messages. */
  leader: Point;
}

class Solver {
  readonly #sets = new UnionFind();
  readonly #states = new Map<number, ClassState>();
  readonly #values = new Map<Value, Point>();
  readonly #edges = new Map<OpNode, Map<number, Point>>();
  readonly #conflicts: Diagnostic[] = [];

  constructor(private readonly annotations: readonly Annotation[]) {}

  solve(): Solution {
    const activations = this.annotations.filter(({ role }) => role === 'activation');
    const made = new Set(
      activations.filter(({ place }) => place.kind === 'value').map(({ place }) => place.value),
    );
    for (const annotation of activations) this.#addPoint(annotation, made);
    for (const { place, spec } of activations)
      if (spec.kind === 'shared') this.#join(this.#pointOf(place), this.#pointOf(spec.with));
    for (const { place, spec } of activations)
      if (place.kind === 'edge' && spec.kind !== 'shared') this.#joinEdge(place);
    return { classes: this.#classes(), conflicts: this.#conflicts };
  }

  #addPoint({ place, spec, layer }: Annotation, made: ReadonlySet<Value>): void {
    const known =
      place.kind === 'value' ? this.#values.get(place.value) : this.#edges.get(place.node)?.get(place.index);
    if (known !== undefined) return;
    const demands = place.kind === 'value' || !made.has(place.value);
    const own = spec.kind === 'quantization' || spec.kind === 'fixed';
    const point: Point = {
      id: this.#sets.add(),
      place,
      layer,
      demands,
      ...(own && demands && { root: place.value }),
      ...(own && { config: spec.config, constraints: spec.constraints }),
    };
    if (place.kind === 'value') this.#values.set(place.value, point);
    else {
      const edges = this.#edges.get(place.node) ?? new Map<number, Point>();
      this.#edges.set(place.node, edges.set(place.index, point));
    }
    this.#states.set(point.id, {
      points: [point],
      roots: point.root === undefined ? [] : [point.root],
      config: point.config,
      constraints: point.constraints,
      leader: point,
    });
  }

  /** An edge takes the grid of its value, or that of another edge of the same width. */
  #joinEdge(place: Place & { kind: 'edge' }): void {
    const point = this.#pointOf(place);
    const value = this.#values.get(place.value);
    if (value !== undefined) {
      if (!this.#join(point, value)) this.#requantize(point);
      return;
    }
    for (const use of place.value.uses) {
      const other = this.#edges.get(use.node as OpNode)?.get(use.index);
      if (other === undefined || other.id >= point.id) continue;
      if (other.config?.activations === point.config?.activations && this.#join(other, point)) return;
    }
  }

  /** Puts two classes together if they agree. @returns false, with both sides reported, when they don't. */
  #join(a: Point, b: Point): boolean {
    const [idA, idB] = [this.#sets.find(a.id), this.#sets.find(b.id)];
    if (idA === idB) return true;
    const [first, second] = [this.#states.get(Math.min(idA, idB))!, this.#states.get(Math.max(idA, idB))!];
    const agreed = agree(first, second);
    if ('conflict' in agreed) {
      this.#report(first, second, agreed.conflict, a.place.value);
      return false;
    }
    const root = this.#sets.union(idA, idB);
    this.#states.delete(Math.max(idA, idB));
    const roots = [...new Set([...first.roots, ...second.roots])];
    this.#states.set(root, { ...agreed, points: [...first.points, ...second.points], roots });
    return true;
  }

  /** An edge that can't have its value's grid observes the value for itself. */
  #requantize(point: Point): void {
    const state = this.#states.get(this.#sets.find(point.id))!;
    if (!state.roots.includes(point.place.value)) state.roots.push(point.place.value);
  }

  #report(
    first: ClassState,
    second: ClassState,
    [one, other]: readonly [string, string],
    value: Value,
  ): void {
    const [a, b] = [nodeName(first.leader.layer.anchor), nodeName(second.leader.layer.anchor)];
    this.#conflicts.push({
      code: 'ANNOTATION_CONFLICT',
      severity: 'warning',
      message: `The table can't put '${value.name}' on one grid: '${a}' demands ${one}, '${b}' demands ${other}.`,
      hint: 'It is quantized again in between. Give both entries the same constraints to spare that.',
      at: { node: b, value: value.name },
    });
  }

  #pointOf(place: Place): Point {
    const point =
      place.kind === 'value' ? this.#values.get(place.value) : this.#edges.get(place.node)?.get(place.index);
    // a place that only shares has a point too: it was added with its annotation
    return point!;
  }

  #classes(): GridClass[] {
    return [...this.#states.entries()]
      .sort(([a], [b]) => a - b)
      .flatMap(([, { points, roots, config, constraints }]) =>
        config === undefined || constraints === undefined || roots.length === 0
          ? []
          : [{ roots, places: points.map(({ place }) => place), config, constraints }],
      );
  }
}

type Agreed =
  | Pick<ClassState, 'config' | 'constraints' | 'leader'>
  | { readonly conflict: readonly [string, string] };

function agree(a: ClassState, b: ClassState): Agreed {
  if (a.constraints === undefined || a.config === undefined) return { ...b };
  if (b.constraints === undefined || b.config === undefined) return { ...a };
  const [lead, other] = a.roots.length === 0 && b.roots.length > 0 ? [b, a] : [a, b];
  const conflict = observedApart(lead, other);
  if (conflict !== undefined) return { conflict: lead === a ? conflict : [conflict[1], conflict[0]] };
  const merged = mergeConstraints(a.constraints, b.constraints);
  if ('conflict' in merged) return merged;
  const config = lead.config!;
  if (merged.constraints.bits.includes(config.activations))
    return { config, constraints: merged.constraints, leader: lead.leader };
  const words = [`${config.activations} bits`, `${other.constraints!.bits.join(', ')} bits`] as const;
  return { conflict: lead === a ? words : [words[1], words[0]] };
}

/** What keeps two classes that are both chosen for values of their own from being one: the widths, a fixed range, the sign. */
function observedApart(a: ClassState, b: ClassState): readonly [string, string] | undefined {
  if (a.roots.length === 0 || b.roots.length === 0) return undefined;
  if (a.config!.activations !== b.config!.activations)
    return [`${a.config!.activations} bits`, `${b.config!.activations} bits`];
  const [fixedA, fixedB] = [a.constraints!.fixedRange, b.constraints!.fixedRange];
  if ((fixedA === undefined) !== (fixedB === undefined)) {
    const words = (range: typeof fixedA) =>
      range === undefined ? 'a range from the data' : `the fixed range ${range[0]} to ${range[1]}`;
    return [words(fixedA), words(fixedB)];
  }
  const [signedA, signedB] = [a.constraints!.signed, b.constraints!.signed];
  if (signedA === signedB) return undefined;
  const words = (signed: boolean | undefined) =>
    signed === undefined ? 'codes of either sign' : signed ? 'signed codes' : 'unsigned codes';
  return [words(signedA), words(signedB)];
}
