import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** The folder of the workspace. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** One TypeScript file of a package's `src`. */
export interface SourceFile {
  /** The package's folder name, as `core`. */
  readonly owner: string;
  /** From the package's `src`, with forward slashes, as `node/files.ts`. */
  readonly path: string;
  readonly text: string;
}

/** A package of the workspace with the fields of its package.json that the rules look at. */
export interface Package {
  readonly folder: string;
  readonly name: string;
  readonly exports: Readonly<Record<string, { readonly default: string }>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

/** Every package of the workspace, by folder name. */
export function packages(): Package[] {
  return readdirSync(join(ROOT, 'packages'))
    .filter((folder) => existsSync(join(ROOT, 'packages', folder, 'package.json')))
    .sort()
    .map((folder) => {
      const manifest = JSON.parse(readFileSync(join(ROOT, 'packages', folder, 'package.json'), 'utf8'));
      return { exports: {}, dependencies: {}, devDependencies: {}, ...manifest, folder };
    });
}

/** Every TypeScript file of every package, tests included, generated code left out. */
export function sourceFiles(): SourceFile[] {
  return packages().flatMap(({ folder }) =>
    filesBelow(join(ROOT, 'packages', folder, 'src'), '').map((path) => ({
      owner: folder,
      path,
      text: readFileSync(join(ROOT, 'packages', folder, 'src', path), 'utf8'),
    })),
  );
}

/** True for a file of tests or of helpers for tests. */
export function isTest(file: SourceFile): boolean {
  return /\.(test|fixture)\.tsx?$/.test(file.path);
}

/** How messages name a file. */
export function label(file: SourceFile): string {
  return `packages/${file.owner}/src/${file.path}`;
}

/** The syntax tree of a file, with parent links. */
export function parse(file: SourceFile): ts.SourceFile {
  return ts.createSourceFile(file.path, file.text, ts.ScriptTarget.ES2023, true);
}

/** Calls `visit` with every node of a tree. */
export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

function filesBelow(folder: string, prefix: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      if (entry.isDirectory()) return filesBelow(join(folder, entry.name), `${prefix}${entry.name}/`);
      return /\.tsx?$/.test(entry.name) && !entry.name.endsWith('.generated.ts') ? [prefix + entry.name] : [];
    });
}
