import { existsSync, readFileSync } from 'node:fs';
import { BitwrightError } from '@bitwright/core';
import type { PageAssets } from '../report/render-report.js';

/** Where the bundled page lies: beside the built code, beside a bundle of it, or built but not where this source is. */
const PLACES = ['../page/', './page/', '../../dist/page/'];

/** Reads the report page's script and style. @throws REPORT_PAGE_MISSING where nothing has been built. */
export function readPageAssets(): PageAssets {
  for (const place of PLACES) {
    const script = new URL(`${place}report.js`, import.meta.url);
    if (existsSync(script)) {
      const style = new URL(`${place}style.css`, import.meta.url);
      return { script: readFileSync(script, 'utf8'), style: readFileSync(style, 'utf8') };
    }
  }
  throw new BitwrightError({
    code: 'REPORT_PAGE_MISSING',
    message: "The report's page is not there.",
    hint: 'Build the packages first: npm run build.',
  });
}
