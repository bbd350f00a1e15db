// The Test Explorer runs with coverage, and the editor shows what was executed.
import { must, session, until } from './session.mjs';

await session(async (page, shot) => {
  const box = page.locator('.quick-input-box input');
  const rows = page.locator('.quick-input-list .monaco-list-row');
  const pick = async (keys, text, row) => {
    await page.keyboard.press(keys);
    await box.fill(text);
    await rows.filter({ hasText: row }).first().click();
  };
  await page.locator('.statusbar-item', { hasText: 'tantu' }).first().waitFor();
  await pick('Control+p', 'tests/test_money.py', 'test_money.py');
  await page.locator('.contentWidgets .codelens-decoration a', { hasText: '▶ run' }).first().waitFor();
  const percent = page.locator('.test-coverage-list-item, .testing-coverage, .monaco-list-row', { hasText: 'money.py' });
  await until(
    'the run with coverage has ended',
    async () => {
      await pick('F1', '>Test: Run Tests with Coverage in Current File', 'Run Tests with Coverage in');
      return percent
        .filter({ hasText: '%' })
        .first()
        .waitFor({ timeout: 30_000 })
        .then(
          () => true,
          () => false,
        );
    },
    120,
  );
  await shot('1-files');
  // Its methods were not run, and what is around them was, when the module was imported.
  await pick('Control+p', 'shop/cart.py:50', 'cart.py');
  for (const kind of ['hit', 'miss']) {
    await page.locator(`.coverage-deco-gutter.coverage-deco-${kind}`).first().waitFor({ state: 'attached' });
    must(true, `there are lines with a ${kind}`);
  }
  await shot('2-lines');
});
