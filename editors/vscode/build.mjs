// Bundles the extension into dist/extension.js, or with `--tests` the unit tests into dist/tests/. Beside the bundle
// goes the licence of every package in it.
import { build } from 'esbuild';
import fs from 'node:fs';
import path from 'node:path';

const common = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  external: ['vscode'],
  logLevel: 'warning',
};

if (process.argv.includes('--tests')) {
  fs.rmSync('dist/tests', { recursive: true, force: true });
  const tests = fs.readdirSync('tests').filter((name) => name.endsWith('.test.ts'));
  await build({ ...common, entryPoints: tests.map((name) => `tests/${name}`), outdir: 'dist/tests' });
} else {
  const result = await build({
    ...common,
    entryPoints: ['src/extension.ts'],
    outfile: 'dist/extension.js',
    minify: true,
    metafile: true,
  });
  // The walkthrough shows the manual's own page.
  fs.copyFileSync('../../docs/add-a-model.md', 'walkthrough/model.md');
  fs.writeFileSync('dist/licenses.txt', licenses(Object.keys(result.metafile.inputs)));
  console.log(`dist/extension.js: ${Math.round(fs.statSync('dist/extension.js').size / 1000)} kB`);
}

function licenses(inputs) {
  const folders = inputs.map((input) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0]).filter(Boolean);
  return [...new Set(folders)]
    .sort()
    .map((folder) => {
      const { name, version, license } = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
      const file = fs.readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
      if (!file) throw new Error(`${folder} has no licence file: it cannot be shipped`);
      return `${name} ${version} (${license})\n\n${fs.readFileSync(path.join(folder, file), 'utf8').trim()}\n`;
    })
    .join(`\n${'-'.repeat(80)}\n\n`);
}
