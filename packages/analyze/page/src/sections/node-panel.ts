import { type Chart, chart } from '../chart.js';
import { channelsOption } from '../charts/channels-chart.js';
import { codesOption, histogramOption } from '../charts/tensor-charts.js';
import type { ReportLayer, ReportModel, ReportTensor, ReportVariant } from '../document.js';
import { h, table } from '../dom.js';
import { decibels, short } from '../format.js';
import { explanation } from './explanation.js';

/** Everything that is known of one node: what it became and why, its kernel, tensors, grids and weights. */
export class NodePanel {
  readonly element = h('div', { class: 'panel', 'aria-live': 'polite' });
  readonly #charts = new Map<string, Chart>();

  show(model: ReportModel, variant: ReportVariant | undefined, name: string): void {
    const node = model.nodes.find((candidate) => candidate.name === name);
    if (node === undefined) return;
    const layer = variant?.layers.find((candidate) => candidate.name === name);
    const kernel = variant?.certificate?.nodes.find((candidate) => candidate.name === name);
    const tensors = [layer?.input, layer?.output]
      .filter((tensor, i, all) => tensor !== undefined && all.indexOf(tensor) === i)
      .map((tensor) => variant?.tensors.find((candidate) => candidate.name === tensor))
      .filter((tensor) => tensor !== undefined);
    this.element.replaceChildren(
      h('h4', {}, `${node.opType} `, h('code', {}, node.name)),
      facts(node, layer, kernel),
      ...explanation(model, variant, name),
      ...tensors.flatMap((tensor) => this.#tensor(tensor)),
      ...(layer?.weights === undefined ? [] : [this.#weights(layer)]),
    );
  }

  #tensor(tensor: ReportTensor): HTMLElement[] {
    const line = h('p', {}, describeGrid(tensor), ' ', usedCodes(tensor));
    // of tensors on one grid, calibration observes one
    if (tensor.counts.length === 0) return [line];
    const histogram = this.#chart('histogram', `Values of ${tensor.name}, with the clip lines`, 220);
    histogram.show(histogramOption(tensor));
    if (tensor.codes.length === 0) return [line, histogram.element];
    const codes = this.#chart('codes', `Codes of ${tensor.name}`, 180);
    codes.show(codesOption(tensor));
    return [line, histogram.element, codes.element];
  }

  #weights(layer: ReportLayer): HTMLElement {
    const weights = layer.weights!;
    const channels = this.#chart('channels', `Weights of ${layer.name} by channel`, 300);
    channels.show(channelsOption(weights, layer.channels));
    return channels.element;
  }

  /** A plot of its own for each label: plots of earlier nodes are kept and met again. */
  #chart(kind: string, label: string, height: number): Chart {
    const key = `${kind}\n${label}`;
    const held = this.#charts.get(key) ?? chart(label, height);
    this.#charts.set(key, held);
    return held;
  }
}

function facts(
  node: ReportModel['nodes'][number],
  layer: ReportLayer | undefined,
  kernel: NonNullable<ReportVariant['certificate']>['nodes'][number] | undefined,
): HTMLElement {
  const rows: [string, string][] = [
    ['reads', node.inputs.join(', ')],
    ['makes', node.outputs.join(', ')],
  ];
  if (layer?.pattern) rows.push(['pattern', layer.pattern.join(' → ')]);
  if (layer) rows.push(['what it became', layer.explanation]);
  if (layer?.float) rows.push(['float because', `${layer.float.reason} (${layer.float.code})`]);
  if (layer?.weights)
    rows.push([
      'weights',
      `${layer.weights.bits} bits, ${layer.weights.symmetric ? 'symmetric' : 'affine'}, ${layer.weights.scale.length} scales`,
    ]);
  if (layer?.biasBits) rows.push(['bias', `${layer.biasBits} bits`]);
  if (layer?.isolated !== undefined) rows.push(['SQNR alone', decibels(layer.isolated)]);
  if (layer?.cumulative !== undefined) rows.push(['SQNR with all before it', decibels(layer.cumulative)]);
  if (layer?.weights?.sqnrAll !== undefined)
    rows.push(['SQNR of the weights', decibels(layer.weights.sqnrAll)]);
  if (layer?.inputNoise) rows.push(...inputFacts(layer.inputNoise));
  const dead = layer?.weights?.deadChannels ?? [];
  if (dead.length > 0) rows.push(['channels whose weights are all 0', dead.join(', ')]);
  if (kernel)
    rows.push(['kernel', `${kernel.kernel} (${kernel.runs})${kernel.reason ? `: ${kernel.reason}` : ''}`]);
  return table('Facts', ['', ''], rows);
}

function inputFacts({
  isolated,
  cumulative,
  dead,
}: NonNullable<ReportLayer['inputNoise']>): [string, string][] {
  const silenced = dead.quantized.filter((channel) => !dead.float.includes(channel));
  return [
    ['SQNR of the input', `${decibels(isolated)} alone, ${decibels(cumulative)} with all before it`],
    ...(dead.float.length > 0
      ? [['input channels always 0', dead.float.join(', ')] as [string, string]]
      : []),
    ...(silenced.length > 0
      ? [['input channels that quantization made 0', silenced.join(', ')] as [string, string]]
      : []),
  ];
}

function describeGrid(tensor: ReportTensor): string {
  return `${tensor.name}: ${tensor.bits} bits, codes ${tensor.quantMin} to ${tensor.quantMax}, scale ${short(tensor.scale)}, zero point ${tensor.zeroPoint}; seen ${short(tensor.min)} to ${short(tensor.max)}, kept ${short(tensor.low)} to ${short(tensor.high)}.`;
}

function usedCodes(tensor: ReportTensor): string {
  if (tensor.codes.length === 0) return '';
  const unused = tensor.codes.filter((count) => count === 0).length;
  const clipped =
    tensor.saturated === undefined ? '' : ` ${(100 * tensor.saturated).toFixed(2)} % is clipped.`;
  const codes =
    unused === 0 ? 'Every code is used.' : `${unused} of ${tensor.codes.length} codes are unused.`;
  return codes + clipped;
}
