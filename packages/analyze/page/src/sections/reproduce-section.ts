import type { ReportDocument } from '../document.js';
import { h, section, table } from '../dom.js';

/** How to make the same figures again: the command, the versions, and digests of what went in. */
export function reproduceSection({ reproduce }: ReportDocument): HTMLElement {
  return section(
    'reproduce',
    'How to make this again',
    h('pre', {}, h('code', {}, reproduce.command)),
    table('Versions', ['what', 'version'], Object.entries(reproduce.versions)),
    table(
      'What went in',
      ['what', 'samples', 'sha256'],
      [
        ...reproduce.models.map(({ path, sha256 }) => [path, '', sha256]),
        ...reproduce.data.map(({ role, name, samples, sha256 = '' }) => [
          `${name} (${role})`,
          String(samples),
          sha256,
        ]),
      ],
    ),
  );
}
