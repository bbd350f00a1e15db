// `node package.mjs [TARGET BINARY] [--out FILE]` makes a VSIX: for a platform, such as linux-x64, with the server inside,
// or without one for every platform. The bundle has to be built.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
process.chdir(here);
const { values, positionals } = parse(process.argv.slice(2));
const [target, binary] = positionals;
if (positionals.length === 1 || positionals.length > 2) {
  console.error('usage: node package.mjs [TARGET BINARY] [--out FILE]');
  process.exit(2);
}

fs.rmSync('server', { recursive: true, force: true });
if (target) {
  const name = target.startsWith('win32') ? 'tantu.exe' : 'tantu';
  fs.mkdirSync('server');
  fs.copyFileSync(binary, path.join('server', name));
  fs.chmodSync(path.join('server', name), 0o755);
}
fs.writeFileSync(
  'LICENSE.txt',
  ['LICENSE-MIT', 'LICENSE-APACHE'].map((name) => fs.readFileSync(`../../${name}`, 'utf8')).join('\n\n'),
);
try {
  const out = values.out ?? `tantu${target ? `-${target}` : ''}.vsix`;
  const vsce = path.join('node_modules', '@vscode', 'vsce', 'vsce');
  const options = [
    'package',
    '--no-dependencies',
    '--allow-missing-repository',
    '--out',
    out,
    ...(target ? ['--target', target] : []),
  ];
  execFileSync(process.execPath, [vsce, ...options], { stdio: 'inherit' });
} finally {
  fs.rmSync('server', { recursive: true, force: true });
  fs.rmSync('LICENSE.txt', { force: true });
}

function parse(args) {
  const at = args.indexOf('--out');
  const out = at < 0 ? undefined : path.resolve(args[at + 1] ?? '');
  return { values: { out }, positionals: at < 0 ? args : args.toSpliced(at, 2) };
}
