// Unified diffs, as the server shows them, back to texts that an editor can compare.

export interface FilePatch {
  /** Relative to the workspace folder. */
  path: string;
  hunks: Hunk[];
}

interface Hunk {
  /** The first line in the old text, counted from 0. */
  start: number;
  lines: { sign: string; text: string }[];
}

export function parse(diff: string): FilePatch[] {
  const files: FilePatch[] = [];
  let hunk: Hunk | undefined;
  let [before, after] = [0, 0];
  for (const line of diff.replaceAll('\r', '').split('\n')) {
    const header = /^@@ -(\d+)(?:,(\d+))? \+\d+(?:,(\d+))? @@/.exec(line);
    const last = hunk?.lines.at(-1);
    if (last && line.startsWith('\\')) {
      last.text = last.text.slice(0, -1);
    } else if (hunk && (before > 0 || after > 0)) {
      // Some tools drop the space of a context line that is empty.
      const sign = line.charAt(0) || ' ';
      hunk.lines.push({ sign, text: `${line.slice(1)}\n` });
      before -= sign === '+' ? 0 : 1;
      after -= sign === '-' ? 0 : 1;
    } else if (line.startsWith('+++ ')) {
      files.push({ path: line.slice(4).replace(/^b\//, ''), hunks: [] });
    } else if (header) {
      [before, after] = [Number(header[2] ?? 1), Number(header[3] ?? 1)];
      // A hunk that takes nothing away names the line after which it adds.
      hunk = { start: Number(header[1]) - (before === 0 ? 0 : 1), lines: [] };
      files.at(-1)?.hunks.push(hunk);
    }
  }
  return files;
}

/** The text after a patch, with the line ends of `text`, or nothing if the patch was made for another text. */
export function apply(text: string, patch: FilePatch): string | undefined {
  const old = text.replaceAll('\r\n', '\n').match(/[^\n]*\n|[^\n]+$/g) ?? [];
  const made: string[] = [];
  let at = 0;
  for (const { start, lines } of patch.hunks) {
    made.push(...old.slice(at, start));
    at = start;
    for (const { sign, text: line } of lines) {
      if (sign !== '+' && old[at++] !== line) {
        return undefined;
      }
      if (sign !== '-') {
        made.push(line);
      }
    }
  }
  const whole = [...made, ...old.slice(at)].join('');
  return text.includes('\r\n') ? whole.replaceAll('\n', '\r\n') : whole;
}
