// Which server is started: the one in the settings, else the one inside the extension, else the first on the PATH.
import * as path from 'node:path';

/** Nothing where there is none; what somebody chose is never replaced by something else in silence. */
export function locate(
  setting: string,
  extension: string,
  search: string,
  platform: NodeJS.Platform,
  isFile: (path: string) => boolean,
): string | undefined {
  const { join, delimiter } = platform === 'win32' ? path.win32 : path.posix;
  const folders = [join(extension, 'server'), ...search.split(delimiter).filter((folder) => folder !== '')];
  const name = platform === 'win32' ? 'tantu.exe' : 'tantu';
  return (setting ? [setting] : folders.map((folder) => join(folder, name))).find(isFile);
}
