import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import {
  isTest,
  label,
  type Package,
  packages,
  parse,
  type SourceFile,
  sourceFiles,
  walk,
} from './sources.js';

const MOST_LINES_OF_A_FILE = 400;
const MOST_LINES_OF_A_FUNCTION = 60;

const files = sourceFiles();

describe('rooms', () => {
  test(`no file is longer than ${MOST_LINES_OF_A_FILE} lines`, () => {
    expect(files.flatMap(longFile)).toEqual([]);
  });

  test(`no function is longer than ${MOST_LINES_OF_A_FUNCTION} lines`, () => {
    expect(files.filter((file) => !isTest(file)).flatMap(longFunctions)).toEqual([]);
  });

  test('names are kebab-case', () => {
    expect(files.flatMap(unusualName)).toEqual([]);
  });

  test('an index.ts is a door that package.json names, and every door exists', () => {
    expect(packages().flatMap((owner) => wrongDoors(owner, files))).toEqual([]);
  });

  test('no default exports, enums, any or silenced type errors', () => {
    expect(files.flatMap(unwantedSyntax)).toEqual([]);
  });
});

describe('the rules themselves', () => {
  const sample = (text: string, path = 'a.ts'): SourceFile => ({ owner: 'core', path, text });
  const lines = (count: number) => 'x();\n'.repeat(count);

  test('a long file is found', () => {
    expect(longFile(sample(lines(400)))).toEqual([]);
    expect(longFile(sample(lines(401)))).toEqual(['packages/core/src/a.ts has 401 lines']);
  });

  test('a long function is found, whatever its form', () => {
    expect(longFunctions(sample(`function f() {\n${lines(58)}}`))).toEqual([]);
    expect(longFunctions(sample(`function f() {\n${lines(59)}}`))).toEqual([
      'packages/core/src/a.ts:1 f has 61 lines',
    ]);
    expect(longFunctions(sample(`\nconst f = () => {\n${lines(59)}};`))).toEqual([
      'packages/core/src/a.ts:2 f has 61 lines',
    ]);
    expect(longFunctions(sample(`class C {\nm() {\n${lines(59)}}\n}`))).toEqual([
      'packages/core/src/a.ts:2 m has 61 lines',
    ]);
  });

  test('names that are not kebab-case are found', () => {
    for (const path of ['camelCase.ts', 'Upper/a.ts', 'snake_case.ts'])
      expect(unusualName(sample('', path))).toHaveLength(1);
    for (const path of ['a-b2.ts', 'node/open-data.test.ts'])
      expect(unusualName(sample('', path))).toEqual([]);
  });

  test('an index.ts that is no door is found, and a door without a file', () => {
    const owner = {
      folder: 'core',
      name: '@bitwright/core',
      exports: { '.': { default: './dist/index.js' }, './node': { default: './dist/node/index.js' } },
      dependencies: {},
      devDependencies: {},
    };
    expect(wrongDoors(owner, [sample('', 'index.ts'), sample('', 'node/index.ts')])).toEqual([]);
    expect(wrongDoors(owner, [sample('', 'index.ts'), sample('', 'rules/index.ts')])).toEqual([
      'packages/core/src/rules/index.ts is no door of its package',
      'packages/core/src/node/index.ts is missing',
    ]);
  });

  test('unwanted syntax is found', () => {
    const unwanted = [
      'export default 1;',
      'export default function f() {}',
      'const a = 1; export { a as default };',
      'enum E { A }',
      'let a: any;',
      'const a = 1 as any;',
      '// @ts-ignore\nlet a = 1;',
      '/* @ts-expect-error */ let a = 1;',
    ];
    for (const text of unwanted) expect(unwantedSyntax(sample(text)), text).toHaveLength(1);
    expect(unwantedSyntax(sample("const any = 'export default @ts-' + 'any'; export { any };"))).toEqual([]);
  });
});

function longFile(file: SourceFile): string[] {
  const count = file.text.split('\n').length - (file.text.endsWith('\n') ? 1 : 0);
  return count > MOST_LINES_OF_A_FILE ? [`${label(file)} has ${count} lines`] : [];
}

function longFunctions(file: SourceFile): string[] {
  const tree = parse(file);
  const found: string[] = [];
  walk(tree, (node) => {
    if (!ts.isFunctionLike(node)) return;
    const first = tree.getLineAndCharacterOfPosition(node.getStart(tree)).line;
    const count = tree.getLineAndCharacterOfPosition(node.getEnd()).line - first + 1;
    if (count <= MOST_LINES_OF_A_FUNCTION) return;
    const named = node.name ?? (ts.isVariableDeclaration(node.parent) ? node.parent.name : undefined);
    found.push(`${label(file)}:${first + 1} ${named?.getText(tree) ?? 'a function'} has ${count} lines`);
  });
  return found;
}

function unusualName(file: SourceFile): string[] {
  const usual = /^([a-z0-9]+(-[a-z0-9]+)*\/)*[a-z0-9]+(-[a-z0-9]+)*(\.(test|fixture))?\.tsx?$/;
  return usual.test(file.path) ? [] : [label(file)];
}

function wrongDoors(owner: Package, of: readonly SourceFile[]): string[] {
  const paths = of.filter((file) => file.owner === owner.folder).map(({ path }) => path);
  const doors = Object.values(owner.exports)
    .filter((target) => target.default !== undefined)
    .map((target) => target.default.replace(/^\.\/dist\//, '').replace(/\.js$/, '.ts'));
  const prefix = `packages/${owner.folder}/src/`;
  return [
    ...paths
      .filter((path) => /(^|\/)index\.ts$/.test(path) && !doors.includes(path))
      .map((path) => `${prefix}${path} is no door of its package`),
    ...doors.filter((path) => !paths.includes(path)).map((path) => `${prefix}${path} is missing`),
  ];
}

function unwantedSyntax(file: SourceFile): string[] {
  const tree = parse(file);
  const found: string[] = [];
  const report = (position: number, what: string) => {
    found.push(`${label(file)}:${tree.getLineAndCharacterOfPosition(position).line + 1} ${what}`);
  };
  walk(tree, (node) => {
    if (ts.isExportAssignment(node) || node.kind === ts.SyntaxKind.DefaultKeyword) {
      if (!ts.isDefaultClause(node.parent)) report(node.getStart(tree), 'is a default export');
    } else if (ts.isExportSpecifier(node) && node.name.text === 'default') {
      report(node.getStart(tree), 'is a default export');
    } else if (ts.isEnumDeclaration(node)) {
      report(node.getStart(tree), 'is an enum');
    } else if (node.kind === ts.SyntaxKind.AnyKeyword) {
      report(node.getStart(tree), 'says any');
    }
  });
  for (const match of file.text.matchAll(/(?:\/\/|\/\*)[\s*]*@ts-(ignore|expect-error|nocheck)/g)) {
    // In a test an expected type error is an assertion: it fails when the error goes away.
    if (match[1] !== 'expect-error' || !isTest(file)) report(match.index, 'silences the type checker');
  }
  return found;
}
