import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verdict } from '../src/verdict';

test('every title of a lens is understood', () => {
  assert.deepEqual(verdict('✓ 5 passed · 21 ms'), { kind: 'passed', millis: 21 });
  assert.deepEqual(verdict('✗ 1 failed, 2 passed · outdated'), { kind: 'failed', message: '1 failed, 2 passed' });
  assert.deepEqual(verdict('○ not runnable here'), { kind: 'skipped' });
  assert.deepEqual(verdict('… running'), { kind: 'running' });
  assert.deepEqual(verdict('▶ run'), { kind: 'none' });
  assert.deepEqual(verdict(''), { kind: 'none' });
});
