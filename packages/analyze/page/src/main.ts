import { readContent } from './document.js';
import { h } from './dom.js';
import { fileName } from './format.js';
import { modelSection } from './sections/model-section.js';
import { reproduceSection } from './sections/reproduce-section.js';
import { simulationSection } from './sections/simulation-section.js';
import { sweepSection } from './sections/sweep-section.js';
import { toggleTheme } from './theme.js';

const { document: report, places } = await readContent();
const { simulations = [] } = report;
const links = [
  ...(report.sweep ? [{ id: 'accuracy', text: 'Accuracy' }] : []),
  ...simulations.map(({ hardware }, i) => ({ id: `simulation-${i}`, text: hardware.name })),
  ...report.models.map((model, i) => ({ id: `model-${i}`, text: fileName(model.name) })),
  { id: 'reproduce', text: 'Reproduce' },
];
document.body.replaceChildren(
  h(
    'header',
    {},
    h('h1', {}, report.title),
    h('nav', { 'aria-label': 'Sections' }, ...links.map(({ id, text }) => h('a', { href: `#${id}` }, text))),
    h('button', { type: 'button', onclick: toggleTheme }, 'Light or dark'),
  ),
  h(
    'main',
    {},
    report.sweep && sweepSection(report.sweep),
    ...simulations.map(simulationSection),
    ...report.models.map((model, i) => modelSection(model, places[i] ?? [], i)),
    reproduceSection(report),
  ),
);
document.documentElement.dataset['ready'] = 'true';
