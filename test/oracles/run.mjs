/**
 * Runs the oracles: independent implementations in Python (onnx, onnxruntime, qonnx, torch) that judge what Bitwright
 * writes. Makes its own virtual environment on the first run. Arguments are handed on to pytest.
 *
 * Without Python the oracles are skipped, and said to be; under CI=true that is a failure.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const OLDEST_PYTHON = [3, 11];
const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(dirname(here));
const environment = join(root, '.venv-oracles');
const requirements = join(here, 'requirements.txt');
const inVenv = join(environment, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');

const python = findPython();
if (python === undefined) {
  const needed = `Python ${OLDEST_PYTHON.join('.')} or newer`;
  if (process.env.CI === 'true')
    close({ passed: 0, failed: 1, skipped: 0 }, `oracles: ${needed} is needed under CI`);
  close(
    { passed: 0, failed: 0, skipped: 1 },
    `oracles: skipped, because ${needed} was not found as python3 or python`,
  );
}
if (!makeEnvironment(python)) {
  close({ passed: 0, failed: 1, skipped: 0 }, 'oracles: the Python environment could not be made; see above');
}
close(runPytest(process.argv.slice(2)));

function findPython() {
  for (const command of ['python3', 'python']) {
    const probe = spawnSync(command, ['-c', 'import sys, venv, ensurepip; print(*sys.version_info[:3])'], {
      encoding: 'utf8',
    });
    if (probe.status !== 0) continue;
    const [major, minor] = probe.stdout.trim().split(' ').map(Number);
    if (major === OLDEST_PYTHON[0] && minor >= OLDEST_PYTHON[1])
      return { command, version: probe.stdout.trim() };
  }
  return undefined;
}

/** Makes `.venv-oracles` unless the one that is there was made for the same Python and requirements. */
function makeEnvironment({ command, version }) {
  const stamp = join(environment, 'bitwright-stamp');
  const wanted = createHash('sha256').update(version).update(readFileSync(requirements)).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted && existsSync(inVenv)) return true;
  console.log('oracles: making the Python environment (torch is large; this happens once)');
  const pip = ['-m', 'pip', 'install', '--quiet', '--no-input', '--disable-pip-version-check'];
  const made =
    succeeds(command, ['-m', 'venv', '--clear', environment]) &&
    succeeds(inVenv, [...pip, '--no-deps', '-r', requirements]) &&
    // The CPU build needs nothing more; the build on PyPI for Linux cannot be imported without its GPU libraries.
    (succeeds(inVenv, ['-c', 'import torch'], 'ignore') || succeeds(inVenv, [...pip, '-r', requirements]));
  if (made) writeFileSync(stamp, wanted);
  return made;
}

function runPytest(args) {
  const folder = mkdtempSync(join(tmpdir(), 'bitwright-oracles-'));
  const report = join(folder, 'report.xml');
  try {
    const passedOn = args.length > 0 ? args : [here];
    const ran = succeeds(inVenv, [
      '-m',
      'pytest',
      '-q',
      '-p',
      'no:cacheprovider',
      `--junitxml=${report}`,
      ...passedOn,
    ]);
    const counts = countTests(report);
    if (!ran && counts.failed === 0) counts.failed = 1;
    return counts;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function countTests(report) {
  const suite = existsSync(report) ? (/<testsuite [^>]*>/.exec(readFileSync(report, 'utf8'))?.[0] ?? '') : '';
  const number = (name) => Number(new RegExp(` ${name}="(\\d+)"`).exec(suite)?.[1] ?? 0);
  const failed = number('failures') + number('errors');
  const skipped = number('skipped');
  return { passed: Math.max(0, number('tests') - failed - skipped), failed, skipped };
}

function succeeds(command, args, output = 'inherit') {
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' };
  return spawnSync(command, args, { cwd: root, stdio: ['ignore', output, output], env }).status === 0;
}

function close({ passed, failed, skipped }, message) {
  if (message !== undefined) console.log(message);
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  process.exit(failed === 0 ? 0 : 1);
}
