// What the user chose, as the server is told: only what was chosen, so that a workspace's own tantu.toml has its say on
// the rest.

/** What VS Code knows of one setting. */
export interface Inspected {
  globalValue?: unknown;
  workspaceValue?: unknown;
  workspaceFolderValue?: unknown;
}

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
  return keys.filter((key) => key !== 'server.path' && key !== 'trace.server');
}

/** The settings to send. Navigation is off where an extension that `has` tells of navigates, unless the user chose. */
export function chosen(
  keys: readonly string[],
  inspect: (key: string) => Inspected | undefined,
  has: (extension: string) => boolean,
): Record<string, unknown> {
  const nearest = (it?: Inspected) => it?.workspaceFolderValue ?? it?.workspaceValue ?? it?.globalValue;
  const settings = keys.map((key) => [key, nearest(inspect(key))] as const);
  const defaults = NAVIGATORS.some(has) ? { navigation: false } : {};
  return { ...defaults, ...Object.fromEntries(settings.filter(([, value]) => value !== undefined && value !== '')) };
}
