import { chart } from '../chart.js';
import { graphOption } from '../charts/graph-chart.js';
import { type Measure, measured, paretoOption } from '../charts/pareto-chart.js';
import { sqnrOption } from '../charts/sqnr-chart.js';
import type { NodePlace, ReportModel, ReportVariant } from '../document.js';
import { choice, h, section, table } from '../dom.js';
import { decibels, fileName, formatBytes, ratio } from '../format.js';
import { certificateSection } from './certificate-section.js';
import { goneOperators } from './explanation.js';
import { NodePanel } from './node-panel.js';

const SHOWN_HITS = 40;

/** One model: its quantizations, its graph, and everything about the layer that is chosen. */
export function modelSection(model: ReportModel, places: readonly NodePlace[], index: number): HTMLElement {
  const view = new ModelView(model, places);
  return section(`model-${index}`, fileName(model.name), view.element);
}

class ModelView {
  readonly element = h('div', {});
  readonly #panel = new NodePanel();
  readonly #graph = chart('The network: blue nodes run on codes, orange ones stay float', 460);
  readonly #sqnr = chart('Noise of each layer', 340);
  readonly #details = h('div', {});
  readonly #hits = h('div', { class: 'hits' });
  #variant: ReportVariant | undefined;
  #chosen: string | undefined;

  constructor(
    private readonly model: ReportModel,
    private readonly places: readonly NodePlace[],
  ) {
    this.#graph.echarts.on('click', (event) => this.#choose(String(event.name)));
    this.#graph.element.tabIndex = 0;
    this.#graph.element.addEventListener('keydown', (event) => this.#step(event));
    this.element.append(
      h(
        'p',
        {},
        `${model.path}, ${formatBytes(model.bytes)}, float ${ratio(model.float?.correct, model.float?.total) || 'not counted'}`,
      ),
      choice(
        'Quantization',
        model.variants.map((variant, i) => ({ value: String(i), text: titleOf(variant) })),
        '0',
        (value) => this.#show(model.variants[Number(value)]),
      ),
      this.#details,
      this.#sqnr.element,
      h('h3', {}, 'Graph'),
      this.#search(),
      this.#hits,
      h('div', { class: 'split' }, this.#graph.element, this.#panel.element),
      ...goneOperators(model),
      ...sizePlot(model, 'accuracy', 'Accuracy against size'),
      ...sizePlot(model, 'quality', 'Predicted noise at the outputs against size'),
    );
    this.#chosen = model.nodes[0]?.name;
    this.#show(model.variants[0]);
  }

  #show(variant: ReportVariant | undefined): void {
    this.#variant = variant;
    this.#details.replaceChildren(...(variant === undefined ? [] : details(variant)));
    if (variant !== undefined) this.#sqnr.show(sqnrOption(variant));
    if (this.#chosen !== undefined) this.#choose(this.#chosen);
  }

  #choose(name: string): void {
    if (!this.model.nodes.some((node) => node.name === name)) return;
    this.#chosen = name;
    this.#graph.show(
      graphOption({ model: this.model, variant: this.#variant, places: this.places, chosen: name }),
    );
    this.#panel.show(this.model, this.#variant, name);
  }

  /** Arrow keys walk through the nodes in the order in which they run. */
  #step(event: KeyboardEvent): void {
    const by = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    const at = this.model.nodes.findIndex(({ name }) => name === this.#chosen);
    const next = this.model.nodes[at + by];
    if (next !== undefined) this.#choose(next.name);
  }

  #search(): HTMLElement {
    const input = h('input', {
      type: 'search',
      placeholder: 'name or operator, e.g. Conv',
      oninput: () => this.#find(input.value.trim().toLowerCase()),
    });
    return h('label', { class: 'choice' }, 'Find a node ', input);
  }

  #find(wanted: string): void {
    const hits = this.model.nodes.filter(
      ({ name, opType }) => wanted !== '' && `${opType} ${name}`.toLowerCase().includes(wanted),
    );
    this.#hits.replaceChildren(
      ...hits
        .slice(0, SHOWN_HITS)
        .map(({ name, opType }) =>
          h('button', { type: 'button', onclick: () => this.#choose(name) }, `${opType} ${name}`),
        ),
      hits.length > SHOWN_HITS ? `and ${hits.length - SHOWN_HITS} more` : '',
    );
  }
}

/** The plot of a measure against size, where there is something to compare. */
function sizePlot({ pareto }: ReportModel, measure: Measure, label: string): HTMLElement[] {
  return measured(pareto, measure).length === 0
    ? []
    : [chart(label, 360, paretoOption(pareto, measure)).element];
}

function titleOf({ bits, scheme, method }: ReportVariant): string {
  return `${bits}, ${scheme}, ${method}`;
}

function details(variant: ReportVariant): HTMLElement[] {
  const counted = variant.accuracy
    ? `${ratio(variant.accuracy.correct, variant.accuracy.total)} correct; `
    : '';
  const quantized = variant.layers.filter(({ float }) => float === undefined).length;
  return [
    h(
      'p',
      {},
      `${counted}backend ${variant.backend}, dialect ${variant.dialect}, ${variant.samples} calibration samples; ${quantized} of ${variant.layers.length} layers quantized.`,
    ),
    table(
      'Size',
      ['storage', 'size'],
      variant.sizes.map(({ storage, bytes }) => [storage, formatBytes(bytes)]),
    ),
    ...(variant.promotions !== undefined && variant.promotions.length > 0
      ? [promotions(variant.promotions)]
      : []),
    ...(variant.diagnostics.length > 0 ? [diagnostics(variant)] : []),
    ...(variant.certificate
      ? [h('h3', {}, 'What the runtime executes'), certificateSection(variant.certificate)]
      : []),
  ];
}

function promotions(found: NonNullable<ReportVariant['promotions']>): HTMLElement {
  return table(
    'Layers whose promotion to 8 bits buys most at the output',
    ['layer', 'SQNR as it is', 'promoted', 'more bytes'],
    found.map(({ layer, before, after, bytes }) => [
      layer,
      decibels(before),
      decibels(after),
      formatBytes(bytes),
    ]),
  );
}

function diagnostics(variant: ReportVariant): HTMLElement {
  const loud = variant.diagnostics.filter(({ severity }) => severity !== 'info').length;
  return h(
    'details',
    loud > 0 ? { open: '' } : {},
    h('summary', {}, `${variant.diagnostics.length} diagnostics, ${loud} of them warnings`),
    table(
      'Diagnostics',
      ['code', 'severity', 'where', 'what', 'remedy'],
      variant.diagnostics.map((found) => [
        found.code,
        found.severity,
        found.at.node ?? found.at.value ?? '',
        found.message,
        found.hint ?? '',
      ]),
    ),
  );
}
