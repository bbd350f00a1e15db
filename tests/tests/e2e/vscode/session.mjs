// A real VS Code with our extension in it: code-server, its window in headless Chromium. What goes wrong in the window
// is kept.
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import net from 'node:net';
import path from 'node:path';

const { TANTU_E2E: given } = process.env;
/** What the test says: folders and files, see `tests::vscode`. */
export const setting = JSON.parse(given);

const start = Date.now();
export function log(...words) {
  console.log(`[${((Date.now() - start) / 1000).toFixed(1)} s]`, ...words);
}

export function must(holds, what) {
  if (!holds) throw new Error(`FAILED: ${what}`);
  log(`ok: ${what}`);
}

/** Waits until `condition` returns something true, and returns it. */
export async function until(what, condition, seconds = 30) {
  for (const end = Date.now() + seconds * 1000; ;) {
    const found = await condition();
    if (found) {
      log(`ok: ${what}`);
      return found;
    }
    if (Date.now() > end) throw new Error(`FAILED: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Waits until a failure's message stands at the end of a line. */
export async function failsAt(page, line, message) {
  const [code, shown] = [
    page.locator('.view-line', { hasText: line }).first(),
    page.locator('[class*="test-error"]', { hasText: message }).first(),
  ];
  await shown.waitFor();
  await until(`${message} stands beside ${line}`, async () => {
    const [a, b] = [await code.boundingBox(), await shown.boundingBox()];
    return a && b && Math.abs(a.y + a.height / 2 - b.y - b.height / 2) < a.height / 2;
  });
}

const QUIET = {
  'workbench.startupEditor': 'none',
  'security.workspace.trust.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'update.mode': 'none',
  'chat.disableAIFeatures': true,
  'workbench.welcomePage.walkthroughs.openOnInstall': false,
  'workbench.tips.enabled': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'git.enabled': false,
  'editor.minimap.enabled': false,
  'editor.hover.delay': 100,
  'files.autoSave': 'off',
};

/**
 * Runs `script` with a page that shows the workspace, then closes everything. `settings` are the user's, beside the usual ones.
 *
 * @throws what the script throws, and when the window showed an error; then there is a screenshot.
 */
export async function session(script, variables = {}, settings = {}) {
  const { editor, chromium, node, workspace, folder, extensions, server, shots } = setting;
  const entry = path.join(editor, 'node_modules/code-server/out/node/entry.js');
  const data = path.join(folder, 'data');
  const write = (name, value) => {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    fs.writeFileSync(path.join(folder, name), typeof value === 'string' ? value : JSON.stringify(value));
  };
  write('data/User/settings.json', { ...QUIET, ...settings });
  // The window is remote for VS Code, so what belongs to a machine is the machine's.
  write('data/Machine/settings.json', { 'tantu.server.path': server });
  write('config.yaml', 'auth: none\n');
  const common = [entry, '--config', path.join(folder, 'config.yaml'), '--user-data-dir', data];
  const options = [...common, '--extensions-dir', path.join(folder, 'extensions')];
  const env = { ...process.env, ...variables };
  const install = extensions.flatMap((vsix) => ['--install-extension', vsix]);
  log(
    execFileSync(node, [...options, ...install], { env, stdio: 'pipe' })
      .toString()
      .trim()
      .split('\n')
      .at(-1),
  );

  const port = await freePort();
  const output = fs.openSync(path.join(folder, 'code-server.log'), 'w');
  const listen = ['--auth', 'none', '--bind-addr', `127.0.0.1:${port}`];
  const silent = [
    '--disable-telemetry',
    '--disable-update-check',
    '--disable-workspace-trust',
    '--disable-getting-started-override',
  ];
  const code = spawn(node, [...options, ...listen, ...silent], { env, stdio: ['ignore', output, output] });
  const { chromium: browsers } = createRequire(path.join(editor, 'package.json'))('playwright-core');
  const flags = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--disable-background-networking',
    '--disable-component-update',
  ];
  const browser = await browsers.launch({ executablePath: chromium, headless: true, args: flags });
  let page;
  try {
    await until('code-server listens', () => answers(port));
    page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
    // Generous, because CI machines are small and a wait that succeeds ends at once.
    page.setDefaultTimeout(60_000);
    const errors = [];
    await page.exposeFunction('tantuSawError', (text) => errors.push(text));
    await page.addInitScript(watchToasts);
    await page.goto(`http://127.0.0.1:${port}/?folder=${workspace}`);
    await page.locator('.monaco-workbench').waitFor({ timeout: 90_000 });
    log('ok: the workbench is there');
    await script(page, (name) => page.screenshot({ path: path.join(shots, `${name}.png`) }));
    must(errors.length === 0, `no error was shown${errors.map((text) => `: ${text}`).join('')}`);
    // Told to go, the window ends its extensions and they their servers.
    await page.goto('about:blank');
    const said = (method) =>
      fs.readFileSync(path.join(folder, 'session.jsonl'), 'utf8').split(`"method":"${method}"`).length;
    await until('every server was told to go', () => said('exit') === said('initialize'));
  } catch (error) {
    await page?.screenshot({ path: path.join(shots, 'failed.png') }).catch(() => {});
    throw error;
  } finally {
    await browser.close();
    code.kill();
  }
}

/** Runs in the page: errors may be gone again before anybody looks. */
function watchToasts() {
  const seen = new Set();
  const look = () => {
    for (const toast of document.querySelectorAll('.notification-list-item:has(.codicon-error)')) {
      if (!seen.has(toast.textContent)) {
        seen.add(toast.textContent);
        window.tantuSawError(toast.textContent);
      }
    }
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true });
}

function freePort() {
  return new Promise((resolve) => {
    const socket = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = socket.address();
      socket.close(() => resolve(port));
    });
  });
}

function answers(port) {
  return new Promise((resolve) => {
    const request = http.get(`http://127.0.0.1:${port}/healthz`, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on('error', () => resolve(false));
  });
}
