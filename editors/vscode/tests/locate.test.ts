import assert from 'node:assert/strict';
import { test } from 'node:test';
import { locate } from '../src/locate';

const find = (setting: string, ...files: string[]) =>
  locate(setting, '/ext', '/usr/bin:/opt/bin', 'linux', (path) => files.includes(path));

test('what was chosen comes first, then what came with the extension', () => {
  const all = ['/my/tantu', '/ext/server/tantu', '/usr/bin/tantu'];
  assert.equal(find('/my/tantu', ...all), '/my/tantu');
  assert.equal(find('', ...all), '/ext/server/tantu');
});

test('a choice that leads nowhere is not replaced', () => {
  assert.equal(find('/gone', '/usr/bin/tantu'), undefined);
});

test('the first on the PATH is taken, if there is one', () => {
  assert.equal(find('', '/opt/bin/tantu'), '/opt/bin/tantu');
  assert.equal(find(''), undefined);
});

test('Windows has its own separators and names', () => {
  const found = locate('', 'C:\\ext', 'C:\\a;D:\\b', 'win32', (path) => path === 'D:\\b\\tantu.exe');
  assert.equal(found, 'D:\\b\\tantu.exe');
});
