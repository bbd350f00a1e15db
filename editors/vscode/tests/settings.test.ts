import assert from 'node:assert/strict';
import { test } from 'node:test';
import manifest from '../package.json';
import { chosen, serverKeys } from '../src/settings';

const keys = ['navigation', 'codeLens', 'lint.advisories'];
const nobody = () => false;

test('only what was chosen is sent, the nearest choice first', () => {
  const known = { codeLens: { globalValue: true, workspaceValue: false }, 'lint.advisories': { globalValue: '' } };
  const inspect = (key: string) => known[key as keyof typeof known];
  assert.deepEqual(chosen(keys, inspect, nobody), { codeLens: false });
});

test('navigation is left to who is there, unless the user chose', () => {
  const has = (id: string) => id === 'astral-sh.ty';
  assert.deepEqual(
    chosen(keys, () => undefined, has),
    { navigation: false },
  );
  assert.deepEqual(
    chosen(['navigation'], () => ({ globalValue: true }), has),
    { navigation: true },
  );
});

test('settings of the client are not the server’s', () => {
  const found = serverKeys(manifest);
  assert.ok(found.includes('sandbox.limits.wall'));
  assert.ok(!found.includes('server.path') && !found.includes('trace.server'));
});

test('a workspace cannot choose programs, folders or limits', () => {
  const properties = Object.entries(manifest.contributes.configuration.properties);
  const scopes = properties
    .filter(([key]) => /\.(ruff|advisories|native|limits\.\w+)$/.test(key))
    .map(([, it]) => it.scope);
  assert.equal(scopes.length, 6);
  assert.deepEqual(new Set(scopes), new Set(['machine']));
  assert.ok(manifest.capabilities.untrustedWorkspaces.restrictedConfigurations.includes('tantu.server.path'));
});
