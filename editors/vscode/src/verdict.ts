// What a lens says of a run, read by the Test Explorer.

export type Verdict =
  { kind: 'none' | 'running' | 'skipped' } | { kind: 'passed'; millis?: number } | { kind: 'failed'; message: string };

/** `▶ run`, `… running`, `✓ 5 passed · 21 ms`, `✗ 1 failed, 2 passed`, `○ not runnable here`. */
export function verdict(title: string): Verdict {
  switch (title.charAt(0)) {
    case '✓': {
      const millis = /(\d+) ms/.exec(title)?.[1];
      return millis === undefined ? { kind: 'passed' } : { kind: 'passed', millis: Number(millis) };
    }
    case '✗':
      return { kind: 'failed', message: title.slice(2).replace(/ · outdated$/, '') };
    case '○':
      return { kind: 'skipped' };
    case '…':
      return { kind: 'running' };
    default:
      return { kind: 'none' };
  }
}
