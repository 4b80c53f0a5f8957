/** Shows how far long work is: a bar on a terminal, a plain line now and then elsewhere. Everything goes to stderr. */
export interface Progress {
  update(phase: string, done: number, total: number | undefined): void;
  stop(): void;
}

const PLAIN_LINE_EVERY_MS = 2000;

/** The progress display that suits stderr. */
export async function openProgress(): Promise<Progress> {
  return process.stderr.isTTY ? openBar() : plainLines();
}

async function openBar(): Promise<Progress> {
  const { default: progress } = await import('cli-progress');
  const bar = new progress.SingleBar({
    format: '{phase} {bar} {value}/{total}, {eta_formatted} to go',
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
  });
  let current = '';
  return {
    update(phase, done, total) {
      if (phase !== current) {
        if (current !== '') bar.stop();
        bar.start(total ?? done, done, { phase });
        current = phase;
      }
      bar.update(done, { phase });
    },
    stop: () => bar.stop(),
  };
}

function plainLines(): Progress {
  let last = performance.now();
  let current = '';
  let reached = 0;
  let start = { done: 0, at: last };
  return {
    update(phase, done, total) {
      const now = performance.now();
      // a count that falls is another pass, at a rate of its own
      const goesOn = phase === current && done >= reached;
      reached = done;
      if (goesOn && now - last < PLAIN_LINE_EVERY_MS) return;
      if (goesOn) {
        const seconds = total === undefined ? undefined : secondsToGo(start, done, total, now);
        const left = seconds === undefined ? '' : `, ${seconds} s to go`;
        process.stderr.write(`${phase}: ${done}${total === undefined ? '' : `/${total}`}${left}\n`);
      } else start = { done, at: now };
      current = phase;
      last = now;
    },
    stop: () => undefined,
  };
}

/** What is left at the rate since the phase began; what an earlier run had done counts for nothing. */
function secondsToGo(
  start: { readonly done: number; readonly at: number },
  done: number,
  total: number,
  now: number,
): number | undefined {
  if (done <= start.done) return undefined;
  return Math.round((((now - start.at) / (done - start.done)) * (total - done)) / 1000);
}
