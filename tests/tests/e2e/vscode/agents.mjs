// VS Code's own agents are offered the tools, and reach them.
import { log, must, session, until } from './session.mjs';

const AGENTS = { 'chat.disableAIFeatures': false, 'chat.mcp.access': 'all', 'chat.mcp.autostart': 'never' };

await session(
  async (page, shot) => {
    const rows = page.locator('.quick-input-list .monaco-list-row');
    const box = page.locator('.quick-input-box input');
    // The extension has started.
    await page.locator('.statusbar-item', { hasText: 'tantu' }).first().waitFor();
    const server = rows.filter({ hasText: /tantu \(/ }).first();
    const isListed = (row) =>
      until(
        'our server is among those of VS Code',
        async () => {
          await page.keyboard.press('F1');
          await box.fill('>MCP: List Servers');
          await rows.filter({ hasText: 'MCP: List Servers' }).first().click();
          const isThere = row.waitFor({ timeout: 5000 });
          if (
            await isThere.then(
              () => true,
              () => false,
            )
          ) {
            return true;
          }
          await page.keyboard.press('Escape');
          return false;
        },
        60,
      );
    await isListed(server);
    await shot('1-servers');
    await server.click();
    await rows.filter({ hasText: 'Start Server' }).first().click();
    await shot('2-started');
    await isListed(server.filter({ hasText: 'Running' }));
    log(await server.innerText());
    await shot('3-running');
    await server.click();
    await rows.filter({ hasText: 'Show Output' }).first().click();
    const output = page.locator('.output-view-container, .panel', { hasText: 'Discovered 3 tools' }).first();
    await output.waitFor();
    must(true, 'it has found the three tools');
    await shot('4-tools');
  },
  {},
  AGENTS,
);
