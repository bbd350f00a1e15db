// `node package.mjs [TARGET FOLDER] [--out FILE]` makes a VSIX: for a platform, such as linux-x64, with what is in FOLDER
// beside it (the server, the sandbox's Python, licences), or without a server for every platform. The bundle has to be built.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

process.chdir(path.dirname(fileURLToPath(import.meta.url)));
const { values, positionals } = parseArgs({ allowPositionals: true, options: { out: { type: 'string' } } });
const [target, folder] = positionals;
if (positionals.length === 1 || positionals.length > 2) {
  console.error('usage: node package.mjs [TARGET FOLDER] [--out FILE]');
  process.exit(2);
}

fs.rmSync('server', { recursive: true, force: true });
if (target) {
  fs.cpSync(folder, 'server', { recursive: true });
  fs.chmodSync(path.join('server', target.startsWith('win32') ? 'tantu.exe' : 'tantu'), 0o755);
}
fs.writeFileSync(
  'LICENSE.txt',
  ['LICENSE-MIT', 'LICENSE-APACHE'].map((name) => fs.readFileSync(`../../${name}`, 'utf8')).join('\n\n'),
);
try {
  const out = values.out ?? `tantu${target ? `-${target}` : ''}.vsix`;
  const vsce = path.join('node_modules', '@vscode', 'vsce', 'vsce');
  const options = ['package', '--no-dependencies', '--allow-missing-repository', '--out', out];
  execFileSync(process.execPath, [vsce, ...options, ...(target ? ['--target', target] : [])], { stdio: 'inherit' });
} finally {
  fs.rmSync('server', { recursive: true, force: true });
  fs.rmSync('LICENSE.txt', { force: true });
}
