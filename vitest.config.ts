import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (path: string) => fileURLToPath(new URL(`packages/${path}`, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^@bitwright\/([a-z]+)\/node$/, replacement: source('$1/src/node/index.ts') },
      { find: /^@bitwright\/([a-z]+)$/, replacement: source('$1/src/index.ts') },
      { find: /^bitwright\/plugin$/, replacement: source('bitwright/src/plugin.ts') },
      { find: /^bitwright$/, replacement: source('bitwright/src/index.ts') },
    ],
  },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
