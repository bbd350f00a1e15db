// What a lens says of a run, read by the Test Explorer.

export interface Verdict {
  kind: 'none' | 'running' | 'skipped' | 'passed' | 'failed';
  millis?: number | undefined;
  message: string;
}

const KINDS: Record<string, Verdict['kind']> = { '✓': 'passed', '✗': 'failed', '○': 'skipped', '…': 'running' };

/** `▶ run`, `… running`, `✓ 5 passed · 21 ms`, `✗ 1 failed, 2 passed`, `○ not runnable here`. */
export function verdict(title: string): Verdict {
  const millis = /(\d+) ms/.exec(title)?.[1];
  const message = title.slice(2).replace(/ · outdated$/, '');
  return { kind: KINDS[title.charAt(0)] ?? 'none', millis: millis ? Number(millis) : undefined, message };
}
