// Unified diffs, as the server shows them, back to texts that an editor can compare.

export interface FilePatch {
  /** Relative to the workspace folder. */
  path: string;
  /** Of each hunk the first line in the old text, counted from 0, and its lines with their signs. */
  hunks: { start: number; lines: string[] }[];
}

export function parse(diff: string): FilePatch[] {
  const files: FilePatch[] = [];
  let [before, after] = [0, 0];
  for (const line of diff.replaceAll('\r', '').split('\n')) {
    const hunks = files.at(-1)?.hunks;
    const lines = hunks?.at(-1)?.lines;
    const header = /^@@ -(\d+)(?:,(\d+))? \+\d+(?:,(\d+))? @@/.exec(line);
    if (lines?.length && line.startsWith('\\')) {
      // The line before has no end.
      lines.push((lines.pop() ?? '').slice(0, -1));
    } else if (before > 0 || after > 0) {
      // Some tools drop the space of a context line that is empty.
      lines?.push(`${line || ' '}\n`);
      before -= line.startsWith('+') ? 0 : 1;
      after -= line.startsWith('-') ? 0 : 1;
    } else if (line.startsWith('+++ ')) {
      files.push({ path: line.slice(4).replace(/^b\//, ''), hunks: [] });
    } else if (header) {
      [before, after] = [Number(header[2] ?? 1), Number(header[3] ?? 1)];
      // A hunk that takes nothing away names the line after which it adds.
      hunks?.push({ start: Number(header[1]) - (before === 0 ? 0 : 1), lines: [] });
    }
  }
  return files;
}

/** The text after a patch, with the line ends of `text`, or nothing if the patch was made for another text. */
export function apply(text: string, { hunks }: FilePatch): string | undefined {
  const lines = text.replaceAll('\r\n', '\n').match(/[^\n]*\n|[^\n]+$/g) ?? [];
  const part = (hunk: (typeof hunks)[number], sign: string) =>
    hunk.lines.filter((line) => !line.startsWith(sign)).map((line) => line.slice(1));
  // From the last to the first, so that lines keep their numbers.
  for (const hunk of hunks.toReversed()) {
    const old = part(hunk, '+');
    if (lines.splice(hunk.start, old.length, ...part(hunk, '-')).join('') !== old.join('')) {
      return undefined;
    }
  }
  return text.includes('\r\n') ? lines.join('').replaceAll('\n', '\r\n') : lines.join('');
}
