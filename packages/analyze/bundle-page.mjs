// Bundles the report's page (script and style) into dist/page, from where the renderer puts them into each report.
import { build } from 'esbuild';

await build({
  entryPoints: { report: 'page/src/main.ts', style: 'page/src/style.css' },
  outdir: 'dist/page',
  bundle: true,
  minify: true,
  legalComments: 'none',
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  charset: 'utf8',
  logLevel: 'warning',
});
