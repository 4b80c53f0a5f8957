import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readPageAssets, renderReport } from '@bitwright/analyze';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { browserPath, openBrowser } from './browser.js';
import { sampleReport } from './sample-report.js';

if (browserPath === undefined)
  console.log('no Chromium on this machine: the report is not looked at (set BITWRIGHT_BROWSER)');

describe.runIf(browserPath !== undefined)('the report of 100 layers at seven widths, in a browser', () => {
  let folder: string;
  let file: string;
  let browser: Browser;
  let page: Page;
  const complaints: string[] = [];
  const requests: string[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'bitwright-report-'));
    file = join(folder, 'report.html');
    writeFileSync(file, await renderReport(sampleReport(100), readPageAssets()));
    browser = await openBrowser();
    page = await browser.newPage();
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => requests.push(request.url()));
    await page.goto(pathToFileURL(file).href);
    await page.waitForSelector('html[data-ready]');
  });

  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is one file under 3 MB that asks for nothing else', () => {
    expect(statSync(file).size).toBeLessThan(3e6);
    expect(requests).toEqual([pathToFileURL(file).href]);
  });

  it('draws its plots and says nothing in the console', async () => {
    for (const plot of await page.locator('.plot:visible').all())
      expect(await plot.locator('svg path').count()).toBeGreaterThan(0);
    expect(await page.locator('.plot:visible').count()).toBeGreaterThanOrEqual(6);
    expect(complaints).toEqual([]);
  });

  it('shows a title as text, whatever is in it', async () => {
    expect(await page.locator('h1').textContent()).toBe(sampleReport(1).title);
  });

  it('shows what is known of a node that is found and clicked', async () => {
    await page.getByLabel('Find a node').fill('conv57');
    await page.getByRole('button', { name: 'Conv conv57' }).click();
    const panel = page.locator('.panel');
    await expect.poll(() => panel.locator('h4').textContent()).toBe('Conv conv57');
    expect(await panel.locator('.plot svg').count()).toBe(5);
    expect(await panel.locator('.near-miss').textContent()).toBe(
      "Nearest miss: Conv+Relu of the table, at 'conv57' ('y'): needed Relu behind it, found an Add",
    );
    const tried = await panel.locator('.patterns').innerText();
    expect(tried).toContain('claims it');
    expect(tried).toContain("2 conditions held, then at 'conv57': needed Relu, found Add");
    expect(await panel.innerText()).toContain('conv57_before');
    expect(complaints).toEqual([]);
  });

  it.each([420, 800, 1400])('cuts nothing off on a page of %i pixels', async (width) => {
    const narrow = await browser.newPage({ viewport: { width, height: 900 } });
    await narrow.goto(pathToFileURL(file).href);
    await narrow.waitForSelector('html[data-ready]');
    const boxesOf = async (plot: string, texts: RegExp) => {
      const found = await narrow.locator(`[aria-label^="${plot}"] text`, { hasText: texts }).all();
      return Promise.all(found.map(async (text) => (await text.boundingBox())!));
    };
    expect(await narrow.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    const spare = await narrow.evaluate<number>(`(() => {
      const input = document.querySelector('input[type=search]');
      const { font, paddingLeft, paddingRight } = getComputedStyle(input);
      const pen = document.createElement('canvas').getContext('2d');
      pen.font = font;
      const room = input.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight);
      return room - pen.measureText(input.placeholder).width;
    })()`);
    // behind the words a search field has a cross
    expect(spare).toBeGreaterThan(16);
    const plot = (await narrow.locator('[aria-label^="The network"]').boundingBox())!;
    // the first node is chosen, and no half of the plot is empty above it
    const nodes = await boxesOf('The network', /./);
    expect(Math.min(...nodes.map(({ y }) => y)) - plot.y).toBeLessThan(plot.height / 4);
    // the legend stands above the plot, in as many rows as it needs
    const legend = await boxesOf(
      'Weights of',
      /^(largest|smallest|highest code|lowest code|SQNR|output .*)$/,
    );
    const marks = await boxesOf('Weights of', /^-?[\d.]+$/);
    expect(legend.length).toBeGreaterThan(4);
    expect(Math.max(...legend.map(({ y, height }) => y + height))).toBeLessThanOrEqual(
      Math.min(...marks.map(({ y }) => y)) + 2,
    );
    await narrow.close();
  });

  it('chooses the node that is clicked in the graph', async () => {
    const plot = page.locator('figure[tabindex="0"] .plot');
    await plot.scrollIntoViewIfNeeded();
    const frame = (await plot.boundingBox())!;
    const boxes = await Promise.all(
      (await plot.locator('text', { hasText: /^Add$/ }).all()).map((label) => label.boundingBox()),
    );
    const within = (at: number, from: number, size: number): boolean =>
      at > from + 10 && at < from + size - 40;
    const inside = boxes.find(
      (box) => box !== null && within(box.x, frame.x, frame.width) && within(box.y, frame.y, frame.height),
    )!;
    await page.mouse.click(inside.x + inside.width / 2, inside.y + inside.height / 2);
    await expect.poll(() => page.locator('.panel h4').textContent()).toMatch(/^Add add\d+$/);
  });

  it('walks through the graph by keys', async () => {
    const before = await page.locator('.panel h4').textContent();
    await page.locator('figure[tabindex="0"]').focus();
    await page.keyboard.press('ArrowDown');
    expect(await page.locator('.panel h4').textContent()).not.toBe(before);
    await page.keyboard.press('ArrowUp');
    expect(await page.locator('.panel h4').textContent()).toBe(before);
  });

  it('shows another quantization, and the other look', async () => {
    await page.getByLabel('Quantization').selectOption({ label: 'W2A2, integer-only, fast' });
    await expect.poll(() => page.locator('main').textContent()).toContain('4680/10000 correct');
    const paper = () => page.evaluate("getComputedStyle(document.querySelector('section')).backgroundColor");
    const before = await paper();
    await page.getByRole('button', { name: 'Light or dark' }).click();
    expect(await paper()).not.toBe(before);
    expect(complaints).toEqual([]);
  });
});
