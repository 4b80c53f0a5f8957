// Bundles the command line's own code, so that a short command does not open hundreds of files. What is native stays
// outside, and so do the packages that only `bitwright` itself depends on: both load when they are used.
import { cpSync, rmSync } from 'node:fs';
import { build } from 'esbuild';

const outdir = 'dist/command';
rmSync(outdir, { recursive: true, force: true });
await build({
  entryPoints: {
    main: 'src/cli/main.ts',
    // a thread is started from a file of its own
    'observation-worker': '../quantize/dist/node/observation-worker.js',
    'evaluation-worker': '../analyze/dist/node/evaluation-worker.js',
  },
  outdir,
  bundle: true,
  splitting: true,
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  external: ['onnxruntime-node', 'sharp', 'jiti', 'cli-progress'],
  // libraries in CommonJS ask for Node's own modules
  banner: {
    js: "import { createRequire as bundleRequire } from 'node:module'; const require = bundleRequire(import.meta.url);",
  },
  logLevel: 'warning',
});

// the report's page is looked for beside the code that reads it
cpSync('../analyze/dist/page', 'dist/page', { recursive: true });
