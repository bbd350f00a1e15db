import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Places, locate } from '../src/locate';

const places: Places = {
  setting: '',
  extension: '/ext',
  search: '/usr/bin:/opt/bin',
  platform: 'linux',
  isFile: () => false,
};
const only = (...files: string[]) => ({ ...places, isFile: (path: string) => files.includes(path) });

test('what was chosen comes first', () => {
  const all = only('/my/tantu', '/ext/server/tantu', '/usr/bin/tantu');
  assert.deepEqual(locate({ ...all, setting: '/my/tantu' }), { path: '/my/tantu', from: 'settings' });
  assert.deepEqual(locate(all), { path: '/ext/server/tantu', from: 'extension' });
});

test('a choice that leads nowhere is told and not replaced', () => {
  const found = locate({ ...only('/usr/bin/tantu'), setting: '/gone' });
  assert.match('problem' in found ? found.problem : '', /\/gone, which is not a file/);
});

test('the first on the PATH is taken, if there is one', () => {
  assert.deepEqual(locate(only('/opt/bin/tantu')), { path: '/opt/bin/tantu', from: 'PATH' });
  assert.ok('problem' in locate(places));
});

test('Windows has its own separators and names', () => {
  const windows = {
    ...only('D:\\b\\tantu.exe'),
    platform: 'win32',
    extension: 'C:\\ext',
    search: 'C:\\a;D:\\b',
  } as const;
  assert.deepEqual(locate(windows), { path: 'D:\\b\\tantu.exe', from: 'PATH' });
});
