#!/usr/bin/env node
import module from 'node:module';

// where the engine can keep what it compiled (Node 22.8 on), the second start is faster
module.enableCompileCache?.();
const { main } = await import('../dist/command/main.js');
process.exitCode = await main(process.argv.slice(2));
