import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { isTest, label, parse, ROOT, type SourceFile, sourceFiles, walk } from './sources.js';

// the diagnostics of the usual mistakes have dashes: E-CHANCE, W-BN
const CODE = /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$|^[EW](-[A-Z0-9]+)+$/;

const sources = sourceFiles().filter((file) => !isTest(file));
const page = readFileSync(join(ROOT, 'docs', 'reference', 'errors.md'), 'utf8');

describe('docs/reference/errors.md', () => {
  test('has a heading for every code that the sources give', () => {
    const known = new Set(headings(page).map(({ code }) => code));
    const given = codesGiven(sources);
    expect(given.size).toBeGreaterThan(0);
    expect(
      [...given].filter(([code]) => !known.has(code)).map(([code, where]) => `${code} (${where})`),
    ).toEqual([]);
  });

  test('has no heading for a code that no source names', () => {
    const named = codesNamed(sources);
    expect(
      headings(page)
        .filter(({ code }) => !named.has(code))
        .map(({ code }) => code),
    ).toEqual([]);
  });

  test('is in alphabetical order, each heading once', () => {
    const codes = headings(page).map(({ code }) => code);
    expect(codes).toEqual([...new Set(codes)].sort());
  });

  test('says something under every heading', () => {
    expect(
      headings(page)
        .filter(({ text }) => text.length < 40)
        .map(({ code }) => code),
    ).toEqual([]);
  });
});

describe('the rules themselves', () => {
  const sample = (text: string): SourceFile[] => [{ owner: 'core', path: 'a.ts', text }];

  test('codes are found as a property, behind a condition, and as the argument of a helper', () => {
    const text = `
      throw new BitwrightError({ code: 'ONE', message: '', hint: '' });
      report({ code: empty ? 'TWO' : 'THREE_B', severity: 'info' });
      function fileError(path: string, code: string) { return new BitwrightError({ code, message: path, hint: '' }); }
      throw fileError('PATH', 'FOUR');
      const helpers = { reject: (code: string) => code };
      helpers.reject('FIVE');
      class Rejection { constructor(readonly code: string) {} }
      new Rejection('SIX');
      report({ code: 'W-DASHED', severity: 'info' });
      if (error.code === 'ENOENT') stop('SEVEN');`;
    expect([...codesGiven(sample(text)).keys()]).toEqual([
      'ONE',
      'TWO',
      'THREE_B',
      'FOUR',
      'FIVE',
      'SIX',
      'W-DASHED',
    ]);
  });

  test('headings are read with their text', () => {
    expect(headings('# Page\n\n### A_B\n\nWhat.\nMore.\n\n### C\n')).toEqual([
      { code: 'A_B', text: 'What.\nMore.' },
      { code: 'C', text: '' },
    ]);
  });
});

function headings(markdown: string): { code: string; text: string }[] {
  return markdown
    .split(/^### /m)
    .slice(1)
    .map((section) => {
      const end = section.indexOf('\n');
      return { code: section.slice(0, end).trim(), text: section.slice(end).trim() };
    });
}

/** Each code that becomes an error, a diagnostic or a rejection, with the first place that gives it. */
function codesGiven(files: readonly SourceFile[]): Map<string, string> {
  const trees = files.map((file) => ({ file, tree: parse(file) }));
  const helpers = new Map<string, Set<number>>();
  for (const { tree } of trees) collectHelpers(tree, helpers);
  const found = new Map<string, string>();
  for (const { file, tree } of trees) {
    walk(tree, (node) => {
      for (const literal of codeExpressions(node, helpers).flatMap(literals)) {
        const line = tree.getLineAndCharacterOfPosition(literal.getStart(tree)).line + 1;
        if (CODE.test(literal.text) && !found.has(literal.text))
          found.set(literal.text, `${label(file)}:${line}`);
      }
    });
  }
  return found;
}

/** Functions with a parameter named `code`, by their name, and where that parameter stands. */
function collectHelpers(tree: ts.SourceFile, helpers: Map<string, Set<number>>): void {
  walk(tree, (node) => {
    if (!ts.isFunctionLike(node)) return;
    const position = node.parameters.findIndex((parameter) => parameter.name.getText(tree) === 'code');
    const name = ts.isConstructorDeclaration(node) ? node.parent.name : (node.name ?? nameOfHolder(node));
    if (position < 0 || name === undefined) return;
    const positions = helpers.get(name.getText(tree)) ?? new Set();
    helpers.set(name.getText(tree), positions.add(position));
  });
}

function nameOfHolder(node: ts.Node): ts.Node | undefined {
  return ts.isVariableDeclaration(node.parent) || ts.isPropertyAssignment(node.parent)
    ? node.parent.name
    : undefined;
}

function codeExpressions(node: ts.Node, helpers: ReadonlyMap<string, ReadonlySet<number>>): ts.Expression[] {
  if (ts.isPropertyAssignment(node) && node.name.getText() === 'code') return [node.initializer];
  if (!ts.isCallExpression(node) && !ts.isNewExpression(node)) return [];
  const callee = ts.isPropertyAccessExpression(node.expression) ? node.expression.name : node.expression;
  const positions = helpers.get(callee.getText()) ?? [];
  return [...positions].flatMap((position) => node.arguments?.[position] ?? []);
}

function literals(expression: ts.Expression): ts.StringLiteralLike[] {
  if (ts.isStringLiteralLike(expression)) return [expression];
  if (ts.isConditionalExpression(expression))
    return [...literals(expression.whenTrue), ...literals(expression.whenFalse)];
  if (ts.isParenthesizedExpression(expression)) return literals(expression.expression);
  return [];
}

/** Every string of the sources that could be a code. */
function codesNamed(files: readonly SourceFile[]): Set<string> {
  const found = new Set<string>();
  for (const file of files) {
    walk(parse(file), (node) => {
      if (ts.isStringLiteralLike(node) && CODE.test(node.text)) found.add(node.text);
    });
  }
  return found;
}
