import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apply, parse } from '../src/patch';

function patched(text: string, diff: string): string | undefined {
  const [patch] = parse(diff);
  assert.ok(patch);
  return apply(text, patch);
}

const DIFF = `--- a/pkg/a.py
+++ b/pkg/a.py
@@ -1,2 +1,3 @@
 one
-two
+--- two
+2.5
@@ -4 +5,2 @@
 four
+five
`;

test('hunks are put at their places', () => {
  assert.equal(parse(DIFF)[0]?.path, 'pkg/a.py');
  assert.equal(patched('one\ntwo\nthree\nfour\n', DIFF), 'one\n--- two\n2.5\nthree\nfour\nfive\n');
});

test('line ends stay those of the text', () => {
  assert.equal(patched('one\r\ntwo\r\nthree\r\nfour\r\n', DIFF), 'one\r\n--- two\r\n2.5\r\nthree\r\nfour\r\nfive\r\n');
});

test('a diff for another text is refused', () => {
  assert.equal(patched('one\nTWO\nthree\nfour\n', DIFF), undefined);
});

test('a new file, and a last line without an end', () => {
  const created = '--- /dev/null\n+++ b/new.py\n@@ -0,0 +1,2 @@\n+a\n+b\n\\ No newline at end of file\n';
  assert.equal(patched('', created), 'a\nb');
  const ended = '--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n';
  assert.equal(patched('a', ended), 'a\n');
});

test('lines are added behind the one that is named', () => {
  assert.equal(patched('a\nb\n', '--- a/x\n+++ b/x\n@@ -1,0 +2 @@\n+c\n'), 'a\nc\nb\n');
});

test('several files', () => {
  const two = `${DIFF}--- a/b.py\n+++ b/b.py\n@@ -1 +1 @@\n-x\n+y\n`;
  assert.deepEqual(
    parse(two).map(({ path, hunks }) => [path, hunks.length]),
    [
      ['pkg/a.py', 2],
      ['b.py', 1],
    ],
  );
});
