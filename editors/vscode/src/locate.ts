// Which server is started: the one in the settings, else the one inside the extension, else the first on the PATH.
import * as path from 'node:path';

export interface Places {
  /** `tantu.server.path`; empty where nothing is chosen. */
  setting: string;
  /** The folder of the extension. */
  extension: string;
  /** The environment's `PATH`. */
  search: string;
  platform: NodeJS.Platform;
  isFile(path: string): boolean;
}

export type Located = { path: string; from: 'settings' | 'extension' | 'PATH' } | { problem: string };

export function locate({ setting, extension, search, platform, isFile }: Places): Located {
  const { join, delimiter } = platform === 'win32' ? path.win32 : path.posix;
  const name = platform === 'win32' ? 'tantu.exe' : 'tantu';
  if (setting) {
    // What somebody chose is never replaced by something else in silence.
    return isFile(setting)
      ? { path: setting, from: 'settings' }
      : { problem: `tantu.server.path names ${setting}, which is not a file.` };
  }
  const bundled = join(extension, 'server', name);
  if (isFile(bundled)) {
    return { path: bundled, from: 'extension' };
  }
  const folders = search.split(delimiter).filter((folder) => folder !== '');
  const found = folders.map((folder) => join(folder, name)).find(isFile);
  return found
    ? { path: found, from: 'PATH' }
    : { problem: 'There is no tantu on the PATH. Install it, or set tantu.server.path to where it is.' };
}
