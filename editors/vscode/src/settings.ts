// What the user chose, as the server is told: only what was chosen, so that a workspace's own tantu.toml has its say on
// the rest.

/** What VS Code knows of one setting. */
export interface Inspected {
  globalValue?: unknown;
  workspaceValue?: unknown;
  workspaceFolderValue?: unknown;
}

/** Settings of the client, which the server does not know. */
const OF_CLIENT = new Set(['server.path', 'trace.server']);

/** Extensions that answer where something is defined and used. */
const NAVIGATORS = [
  'ms-python.vscode-pylance',
  'ms-pyright.pyright',
  'detachhead.basedpyright',
  'astral-sh.ty',
  'meta.pyrefly',
];

/** The keys, without `tantu.`, of the settings in package.json that are the server's. */
export function serverKeys(manifest: { contributes: { configuration: { properties: object } } }): string[] {
  const keys = Object.keys(manifest.contributes.configuration.properties).map((key) => key.slice('tantu.'.length));
  return keys.filter((key) => !OF_CLIENT.has(key));
}

/**
 * The settings to send. Navigation is off where an extension that `has` tells of navigates already, unless the user
 * chose.
 */
export function chosen(
  keys: readonly string[],
  inspect: (key: string) => Inspected | undefined,
  has: (extension: string) => boolean,
): Record<string, unknown> {
  const settings: Record<string, unknown> = {};
  if (NAVIGATORS.some(has)) {
    settings['navigation'] = false;
  }
  for (const key of keys) {
    const it = inspect(key);
    const value = it?.workspaceFolderValue ?? it?.workspaceValue ?? it?.globalValue;
    if (value !== undefined && value !== '') {
      settings[key] = value;
    }
  }
  return settings;
}
