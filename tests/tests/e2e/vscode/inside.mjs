// Opens the window and lets `inside.cjs` run beside the extension.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { failsAt, log, must, session, setting, until } from './session.mjs';

const result = path.join(setting.folder, 'result.json');
const script = fileURLToPath(new URL('inside.cjs', import.meta.url));

await session(
  async (page, shot) => {
    await until('the tests inside have ended', () => fs.existsSync(result), 120);
    const { error, lines } = JSON.parse(fs.readFileSync(result, 'utf8'));
    lines.forEach((line) => log(line));
    await shot('end');
    must(!error, `nothing failed inside${error ? `: ${error}` : ''}`);
    await failsAt(page, 'assert total == 2', 'assert 1 == 2');
    must((await page.locator('.codelens-decoration a').count()) === 0, 'there are no lenses');
    const status = page.locator('.statusbar-item [aria-label*=", revision "]').first();
    await status.waitFor();
    log(await status.getAttribute('aria-label'));
  },
  { TANTU_E2E_SCRIPT: script, TANTU_E2E_RESULT: result },
);
