import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readPageAssets, renderReport } from '@bitwright/analyze';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { browserPath, openBrowser } from './browser.js';
import { sampleSimulation } from './sample-simulation.js';

describe.runIf(browserPath !== undefined)('the report of a simulation, in a browser', () => {
  let folder: string;
  let browser: Browser;
  let page: Page;
  const complaints: string[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'bitwright-report-'));
    const file = join(folder, 'report.html');
    writeFileSync(file, await renderReport(sampleSimulation(), readPageAssets()));
    browser = await openBrowser();
    page = await browser.newPage();
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(pathToFileURL(file).href);
    await page.waitForSelector('html[data-ready]');
  });

  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('draws a curve for each parameter, the accumulators and the noise of each source', async () => {
    const labels = await page
      .locator('figure .plot')
      .evaluateAll((plots) => plots.map((plot) => plot.getAttribute('aria-label')));
    expect(labels).toEqual([
      'Accuracy against enob',
      'Accuracy against accumulator-bits',
      'Accumulator bits of each layer',
      'Noise of each layer by source',
    ]);
    for (const plot of await page.locator('.plot').all())
      expect(await plot.locator('svg path').count()).toBeGreaterThan(5);
    expect(complaints).toEqual([]);
  });

  it('names no source in the legend that no line is drawn of', async () => {
    const plot = page.locator('[aria-label="Noise of each layer by source"]');
    const texts = await plot.locator('text').allTextContents();
    expect(texts).toEqual(expect.arrayContaining(['sum', 'all']));
    expect(texts).not.toContain('adc');
    expect(await page.locator('#simulation-0').innerText()).toContain(
      'Without any effect in any layer: adc.',
    );
  });

  it('draws a ring for each seed, which the mean does not hide', async () => {
    const plot = page.locator('[aria-label="Accuracy against enob"]');
    const rings = await plot
      .locator('path[fill="none"][stroke]')
      .evaluateAll((paths) =>
        paths.map((path) => path.getAttribute('transform')).filter((place) => place?.startsWith('matrix')),
      );
    // two seeds at each of three values
    expect(new Set(rings).size).toBeGreaterThanOrEqual(6);
  });

  it('says the counts of the seeds and the overflows', async () => {
    const text = await page.locator('#simulation-0 p').first().textContent();
    expect(text).toContain('mean 72.0 of 100, deviation 2.8 over 2 seeds (70, 74) right; 15 overflows');
  });

  it('opens the tables of the layers, of what stays float, and of the arithmetic', async () => {
    await page.getByText('Layer by layer').click();
    expect(await page.getByRole('row', { name: 'conv3' }).first().innerText()).toMatch(
      /17\s+13\s+18\s+3\s+17\.0 dB\s+exact/,
    );
    expect(await page.getByRole('row', { name: 'gelu' }).innerText()).toContain('SIMULATE_OPERATOR');
    await page.getByText('The arithmetic of one output').click();
    const trace = page.locator('.trace');
    expect(await trace.getByRole('row', { name: '0 (0, 1)' }).innerText()).toContain('3 (padding)');
    expect(await trace.getByRole('row', { name: '= accumulator' }).innerText()).toMatch(/20$/);
    expect(complaints).toEqual([]);
  });
});
