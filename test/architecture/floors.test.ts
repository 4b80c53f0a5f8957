import { builtinModules } from 'node:module';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { isTest, label, type Package, packages, type SourceFile, sourceFiles } from './sources.js';

/** The floor of each package; a package imports packages of lower floors only. See docs/explanation/architecture.md. */
const FLOORS: Readonly<Record<string, number>> = {
  core: 0,
  onnx: 1,
  graph: 1,
  data: 1,
  capture: 2,
  emit: 2,
  rewrite: 2,
  fusions: 3,
  dialects: 3,
  backends: 3,
  runtime: 3,
  autodiff: 3,
  quantize: 4,
  simulate: 4,
  analyze: 5,
  testing: 6,
  bitwright: 7,
};

/** The doors by which a package may be imported from outside. */
const DOORS = /^(@bitwright\/[a-z]+|@bitwright\/core\/node|bitwright|bitwright\/plugin)$/;

/** Modules that only Node offers: they stay behind the interfaces whose implementation a browser would replace. */
const NODE_ONLY = new Set(['sharp', 'onnxruntime-node', ...builtinModules]);

const TOOLS_OF_TESTS = new Set(['vitest', 'fast-check', 'onnx-proto', 'onnxruntime-web', 'typescript']);

const workspace = packages();
const files = sourceFiles();

describe('floors', () => {
  test('every package has a floor', () => {
    expect(
      workspace.filter(({ folder }) => FLOORS[folder] === undefined).map(({ folder }) => folder),
    ).toEqual([]);
    expect(workspace.length).toBeGreaterThan(0);
  });

  test('imports go down', () => {
    expect(files.flatMap(importsUpwards)).toEqual([]);
  });

  test('declared dependencies go down', () => {
    expect(workspace.flatMap(dependsUpwards)).toEqual([]);
  });

  test('every import is declared, and every dependency is imported', () => {
    expect(workspace.flatMap((owner) => undeclared(owner, files))).toEqual([]);
    expect(workspace.flatMap((owner) => unused(owner, files))).toEqual([]);
  });
});

describe('doors', () => {
  test('packages are imported through their doors', () => {
    expect(files.flatMap(deepImports)).toEqual([]);
  });

  test('protobufjs stays in onnx', () => {
    expect(files.flatMap(importsProtobuf)).toEqual([]);
  });

  test('what only Node offers stays in src/node, the command line and testing', () => {
    expect(files.flatMap(importsNode)).toEqual([]);
  });
});

describe('the rules themselves', () => {
  const sample = (owner: string, path: string, text: string): SourceFile => ({ owner, path, text });

  test('an import of the same or a higher floor is found', () => {
    expect(importsUpwards(sample('graph', 'a.ts', "import '@bitwright/onnx';"))).toHaveLength(1);
    expect(importsUpwards(sample('core', 'a.ts', "export * from 'bitwright';"))).toHaveLength(1);
    expect(
      importsUpwards(sample('graph', 'a.ts', "import type { A } from '@bitwright/quantize';")),
    ).toHaveLength(1);
    expect(importsUpwards(sample('emit', 'a.ts', "import '@bitwright/graph'; import './b.js';"))).toEqual([]);
  });

  test('a deep import is found', () => {
    expect(deepImports(sample('graph', 'a.ts', "import '@bitwright/core/src/affine.js';"))).toHaveLength(1);
    expect(
      deepImports(sample('graph', 'a.ts', "await import('@bitwright/core/dist/affine.js');")),
    ).toHaveLength(1);
    expect(deepImports(sample('graph', 'a.ts', "import '../../core/src/affine.js';"))).toHaveLength(1);
    expect(
      deepImports(sample('graph', 'a/b.ts', "import '../c.js'; import '@bitwright/core/node';")),
    ).toEqual([]);
  });

  test('protobufjs outside onnx is found', () => {
    expect(
      importsProtobuf(sample('emit', 'a.ts', "import protobuf from 'protobufjs/light.js';")),
    ).toHaveLength(1);
    expect(importsProtobuf(sample('onnx', 'a.ts', "import protobuf from 'protobufjs/light.js';"))).toEqual(
      [],
    );
  });

  test('a module of Node outside src/node is found', () => {
    expect(
      importsNode(sample('data', 'a.ts', "const { default: sharp } = await import('sharp');")),
    ).toHaveLength(1);
    expect(importsNode(sample('data', 'a.ts', "import { join } from 'path';"))).toHaveLength(1);
    expect(importsNode(sample('data', 'node/a.ts', "import { join } from 'node:path';"))).toEqual([]);
    expect(importsNode(sample('bitwright', 'cli/a.ts', "import 'node:fs';"))).toEqual([]);
    expect(importsNode(sample('data', 'a.test.ts', "import 'node:fs';"))).toEqual([]);
  });

  test('an undeclared import and an unused dependency are found', () => {
    const owner = {
      folder: 'emit',
      name: '@bitwright/emit',
      exports: {},
      dependencies: { zod: '4.6.7' },
      devDependencies: {},
    };
    const own = [sample('emit', 'a.ts', "import '@bitwright/core'; import 'node:fs'; import './b.js';")];
    expect(undeclared(owner, own)).toEqual([
      'packages/emit/src/a.ts imports @bitwright/core, which its package.json does not name',
    ]);
    expect(unused(owner, own)).toEqual(['packages/emit/package.json names zod, which nothing imports']);
  });
});

/** What a file imports: static, dynamic with a literal, re-exports and types. */
function importsOf(file: SourceFile): string[] {
  return [...new Set(ts.preProcessFile(file.text, true, true).importedFiles.map(({ fileName }) => fileName))];
}

function floorOf(specifier: string): number | undefined {
  const folder = /^(?:@bitwright\/)?([a-z-]+)/.exec(specifier)?.[1] ?? '';
  return specifier.startsWith('@bitwright/') || folder === 'bitwright'
    ? (FLOORS[folder] ?? Number.NaN)
    : undefined;
}

function importsUpwards(file: SourceFile): string[] {
  return importsOf(file)
    .filter((specifier) => !goesDown(file.owner, specifier))
    .map((specifier) => `${label(file)} imports ${specifier}`);
}

function goesDown(owner: string, specifier: string): boolean {
  const floor = floorOf(specifier);
  return floor === undefined || floor < FLOORS[owner]!;
}

function dependsUpwards(owner: Package): string[] {
  return Object.keys({ ...owner.dependencies, ...owner.devDependencies })
    .filter((name) => !goesDown(owner.folder, name))
    .map((name) => `${owner.name} depends on ${name}`);
}

function deepImports(file: SourceFile): string[] {
  // Helpers of a package's own tests may lie beside its src.
  const depth = file.path.split('/').length - (isTest(file) ? 0 : 1);
  return importsOf(file)
    .filter((specifier) => {
      if (floorOf(specifier) !== undefined) return !DOORS.test(specifier);
      const ups = /^(?:\.\.\/)+/.exec(specifier)?.[0].length ?? 0;
      return ups / 3 > depth;
    })
    .map((specifier) => `${label(file)} imports ${specifier}`);
}

function importsProtobuf(file: SourceFile): string[] {
  if (file.owner === 'onnx') return [];
  return importsOf(file)
    .filter((specifier) => /^(@protobufjs\/|protobufjs(\/|$))/.test(specifier))
    .map((specifier) => `${label(file)} imports ${specifier}`);
}

function importsNode(file: SourceFile): string[] {
  const allowed =
    isTest(file) ||
    /(^|\/)node\//.test(file.path) ||
    file.owner === 'testing' ||
    (file.owner === 'bitwright' && file.path.startsWith('cli/'));
  if (allowed) return [];
  return importsOf(file)
    .filter((specifier) => specifier.startsWith('node:') || NODE_ONLY.has(packageOf(specifier)))
    .map((specifier) => `${label(file)} imports ${specifier}`);
}

/** The package that a bare specifier belongs to. */
function packageOf(specifier: string): string {
  return /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier;
}

function externals(
  owner: Package,
  of: readonly SourceFile[],
  tests: boolean,
): { file: SourceFile; name: string }[] {
  return of
    .filter((file) => file.owner === owner.folder && (tests || !isTest(file)))
    .flatMap((file) => importsOf(file).map((specifier) => ({ file, specifier })))
    .filter(({ specifier }) => !specifier.startsWith('.') && !specifier.startsWith('node:'))
    .map(({ file, specifier }) => ({ file, name: packageOf(specifier) }))
    .filter(({ name }) => name !== owner.name && !builtinModules.includes(name));
}

function undeclared(owner: Package, of: readonly SourceFile[]): string[] {
  const found = externals(owner, of, true)
    .filter(({ file, name }) => {
      const declared = isTest(file)
        ? { ...owner.dependencies, ...owner.devDependencies }
        : owner.dependencies;
      return declared[name] === undefined && !(isTest(file) && TOOLS_OF_TESTS.has(name));
    })
    .map(({ file, name }) => `${label(file)} imports ${name}, which its package.json does not name`);
  return [...new Set(found)];
}

/** Native libraries of lower floors that the bundled command loads by name, so its own package must bring them. */
const BUNDLE_LEAVES_OUT = new Set(['sharp']);

function unused(owner: Package, of: readonly SourceFile[]): string[] {
  const imported = new Set(externals(owner, of, false).map(({ name }) => name));
  return Object.keys(owner.dependencies)
    .filter((name) => !imported.has(name) && !(owner.folder === 'bitwright' && BUNDLE_LEAVES_OUT.has(name)))
    .map((name) => `packages/${owner.folder}/package.json names ${name}, which nothing imports`);
}
