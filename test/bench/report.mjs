// How long a report takes to open and to answer in the system's own Chromium, without a window; beside an empty page.
// usage: npm run build && node test/bench/report.mjs REPORT.html [TIMES, 5 by default]
// The report of a large network is made by, for example:
//   npx bitwright quantize efficientnet_lite0_imagenet_bn.onnx -o out.onnx --bits W4A4 --method fast --samples 32 \
//     --data imagenet_calibration_efficientnet_lite.card.json --report report.html
// `open`: from the request to the page that says it is ready; `choose`: from typing a node's name to its panel being drawn.
// Wall time, and the seconds that the page's main thread was busy, which others on the machine make less longer.
import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const [file, times = '5'] = process.argv.slice(2);
if (file === undefined || !existsSync(file)) {
  console.error('usage: node test/bench/report.mjs REPORT.html [TIMES]');
  process.exit(2);
}
const places = [process.env.BITWRIGHT_BROWSER, '/usr/bin/chromium', '/usr/bin/chromium-browser'];
const executablePath = places.find((path) => path !== undefined && existsSync(path));
if (executablePath === undefined) {
  console.error('No Chromium on this machine (set BITWRIGHT_BROWSER).');
  process.exit(1);
}

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
try {
  const runs = [];
  for (let i = 0; i < Number(times); i++) runs.push(await look());
  const least = (key) => Math.min(...runs.map((run) => run[key])).toFixed(2);
  console.log(`${file}: ${(statSync(file).size / 1e6).toFixed(2)} MB, least of ${times} runs`);
  console.log(`an empty page: ${least('empty')} s`);
  console.log(`open: ${least('open')} s (busy ${least('openBusy')} s); to reach: under 2`);
  console.log(`choose a node: ${least('choose')} s (busy ${least('chooseBusy')} s)`);
  console.log(`open and interactive: ${least('both')} s; to reach: under 2`);
} finally {
  await browser.close();
}

async function look() {
  const page = await browser.newPage();
  try {
    let start = performance.now();
    await page.goto('about:blank');
    const empty = since(start);
    const session = await page.context().newCDPSession(page);
    await session.send('Performance.enable');
    start = performance.now();
    await page.goto(pathToFileURL(resolve(file)).href);
    await page.waitForSelector('html[data-ready]');
    const open = since(start);
    const openBusy = await busy(session);
    const before = await page.locator('.panel h4').first().textContent();
    start = performance.now();
    await page.getByLabel('Find a node').first().fill('conv');
    await page.locator('.hits button').nth(20).click();
    await page.waitForFunction(
      (old) =>
        document.querySelector('.panel h4').textContent !== old && document.querySelector('.panel svg'),
      before,
    );
    const choose = since(start);
    const chooseBusy = (await busy(session)) - openBusy;
    return { empty, open, openBusy, choose, chooseBusy, both: open + choose };
  } finally {
    await page.close();
  }
}

function since(start) {
  return (performance.now() - start) / 1000;
}

async function busy(session) {
  const { metrics } = await session.send('Performance.getMetrics');
  return metrics.find(({ name }) => name === 'TaskDuration').value;
}
