import { layOutGraph } from './lay-out-graph.js';
import type { ReportDocument } from './report-document.js';

/** The page's own script and style, as bundled. */
export interface PageAssets {
  readonly script: string;
  readonly style: string;
}

/**
 * Makes the report's page from its document: one HTML file that needs no network and opens from disk. The document lies in
 * it deflated, so that a large report stays small.
 */
export async function renderReport(report: ReportDocument, assets: PageAssets): Promise<string> {
  const content = JSON.stringify({ document: report, places: report.models.map(layOutGraph) }, rounded);
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escapeHtml(report.title)}</title>`,
    `<style>${assets.style}</style>`,
    '</head>',
    '<body>',
    '<noscript>This report draws its plots with a script; please allow it.</noscript>',
    `<script id="content" type="text/plain">${await deflated(content)}</script>`,
    // a script ends at the first end tag, also inside of a string
    `<script type="module">${assets.script.replaceAll('</script', '<\\/script')}</script>`,
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

/** How many digits of a list are drawn; the document beside the page keeps them all. */
const DRAWN: Readonly<Record<string, number>> = {
  ...{ counts: 2, codes: 2, edges: 3 },
  ...{ min: 3, max: 3, sqnr: 3, scale: 3 },
};

function rounded(key: string, value: unknown): unknown {
  const drawn = DRAWN[key];
  if (drawn !== undefined && Array.isArray(value)) return value.map((entry) => digits(entry, drawn));
  return Number.isInteger(value) ? value : digits(value, 5);
}

function digits(value: unknown, count: number): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(count)) : value;
}

async function deflated(text: string): Promise<string> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream('deflate'));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  let binary = '';
  for (let i = 0; i < bytes.length; i += 0x8000)
    binary += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(binary);
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
