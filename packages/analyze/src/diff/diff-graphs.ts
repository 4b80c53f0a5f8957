import type { Graph } from '@bitwright/graph';
import type { DiffLayer } from './diff-document.js';
import { type Grid, type LayerView, layerViews } from './layer-view.js';

type Part = 'input' | 'output' | 'weights' | 'bias';

const PARTS: readonly Part[] = ['weights', 'bias', 'input', 'output'];

/** Compares two quantized graphs layer by layer; layers are brought together by the names of their nodes. */
export function diffGraphs(first: Graph, second: Graph): DiffLayer[] {
  const [left, right] = [layerViews(first), layerViews(second)];
  const others = new Map(right.map((view) => [view.name, view]));
  const known = new Set(left.map(({ name }) => name));
  return [
    ...left.map((view) => diffLayer(view, others.get(view.name))),
    ...right.filter(({ name }) => !known.has(name)).map((view) => only(view, 'only-second')),
  ];
}

function only(view: LayerView, status: 'only-first' | 'only-second'): DiffLayer {
  const side = sideOf(view);
  return {
    name: view.name,
    opType: view.opType,
    status,
    ...(status === 'only-first' ? { first: side } : { second: side }),
    decisions: [],
    scales: [],
  };
}

function diffLayer(first: LayerView, second: LayerView | undefined): DiffLayer {
  if (second === undefined || second.opType !== first.opType) return only(first, 'only-first');
  const decisions = PARTS.flatMap((part) => decision(part, first[part], second[part]));
  const scales = PARTS.flatMap((part) => scaleChange(part, first[part], second[part]) ?? []);
  const codes = codeChange(first, second);
  const same = decisions.length === 0 && scales.length === 0 && (codes?.differing ?? 0) === 0;
  return {
    name: first.name,
    opType: first.opType,
    status: same ? 'same' : 'changed',
    first: sideOf(first),
    second: sideOf(second),
    decisions,
    scales,
    ...(codes && { codes }),
  };
}

function sideOf(view: LayerView): NonNullable<DiffLayer['first']> {
  const text = (part: Part) => (view[part] === undefined ? {} : { [part]: gridText(view[part]) });
  return { ...text('weights'), ...text('input'), ...text('output'), ...text('bias') };
}

/** A grid in words: `4 bits signed symmetric, per channel of axis 0`. */
function gridText(grid: Grid): string {
  const symmetric = grid.zeroPoint.every((zero) => zero === 0) && grid.signed;
  const channels = grid.axis === undefined ? '' : `, per channel of axis ${grid.axis}`;
  return `${grid.bits} bits ${grid.signed ? 'signed' : 'unsigned'}${symmetric ? ' symmetric' : ''}${channels}`;
}

function decision(part: Part, first: Grid | undefined, second: Grid | undefined): string[] {
  const text = (grid: Grid | undefined): string => (grid === undefined ? 'float' : gridText(grid));
  if (text(first) === text(second)) return [];
  return [`${part}: ${text(first)} became ${text(second)}`];
}

function scaleChange(
  part: Part,
  first: Grid | undefined,
  second: Grid | undefined,
): DiffLayer['scales'][number] | undefined {
  if (first === undefined || second === undefined || first.scale.length !== second.scale.length)
    return undefined;
  const ratios = Array.from(first.scale, (scale, i) => second.scale[i]! / scale);
  const differing = ratios.filter((ratio) => ratio !== 1).length;
  // zero points count from the lowest code, so that a signed and an unsigned way to write one grid agree
  const zero = (grid: Grid, i: number): number => grid.zeroPoint[i]! - grid.quantMin;
  const zeroPoints = ratios.filter((_, i) => zero(first, i) !== zero(second, i)).length;
  if (differing === 0 && zeroPoints === 0) return undefined;
  const [ratioLow, ratioHigh] = [Math.min(...ratios), Math.max(...ratios)];
  return { of: part, channels: ratios.length, differing, ratioLow, ratioHigh, zeroPoints };
}

function codeChange(first: LayerView, second: LayerView): DiffLayer['codes'] {
  const [a, b] = [first.weights, second.weights];
  if (a?.codes === undefined || b?.codes === undefined) return undefined;
  if (a.codes.length !== b.codes.length || gridText(a) !== gridText(b)) return undefined;
  let differing = 0;
  for (const [i, code] of a.codes.entries()) if (code !== b.codes[i]) differing++;
  return { total: a.codes.length, differing };
}
