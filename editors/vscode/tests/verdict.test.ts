import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verdict } from '../src/verdict';

test('every title of a lens is understood', () => {
  assert.deepEqual(verdict('✓ 5 passed · 21 ms'), { kind: 'passed', millis: 21, message: '5 passed · 21 ms' });
  const failed = { kind: 'failed', millis: undefined, message: '1 failed, 2 passed' };
  assert.deepEqual(verdict('✗ 1 failed, 2 passed · outdated'), failed);
  const kinds = ['○ not runnable here', '… running', '▶ run', ''].map((title) => verdict(title).kind);
  assert.deepEqual(kinds, ['skipped', 'running', 'none', 'none']);
});
