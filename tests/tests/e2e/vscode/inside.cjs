// Runs in the extension host, with the API that extensions have.
const assert = require('node:assert/strict');
const path = require('node:path');
const vscode = require('vscode');

let log;

async function until(what, condition, seconds = 30) {
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

const ask = (command, ...words) => vscode.commands.executeCommand(command, ...words);

function uriOf(file) {
  return vscode.Uri.file(path.join(vscode.workspace.workspaceFolders[0].uri.fsPath, file));
}

async function open(file) {
  const document = await vscode.workspace.openTextDocument(uriOf(file));
  return vscode.window.showTextDocument(document);
}

/** Puts the cursor on the first place with a text, and returns it. */
function goTo(editor, text) {
  const offset = editor.document.getText().indexOf(text);
  assert.ok(offset >= 0, `${text} is there`);
  const at = editor.document.positionAt(offset);
  editor.selection = new vscode.Selection(at, at);
  return at;
}

/** Waits for a lens with a title on the line of the cursor. */
function lens(editor, title, seconds) {
  return until(
    `a lens says ${title}`,
    async () => {
      const lenses = await ask('vscode.executeCodeLensProvider', editor.document.uri, 100);
      const line = editor.selection.active.line;
      return lenses.find((it) => it.range.start.line === line && it.command?.title.startsWith(title));
    },
    seconds,
  );
}

exports.run = async (log_) => {
  log = log_;
  const extension = vscode.extensions.getExtension('tantu.tantu');
  assert.ok(extension, 'the extension is installed');

  const scratch = await open('scratch.py');
  const found = await until('findings are there', () => {
    const all = vscode.languages.getDiagnostics(scratch.document.uri);
    return all.length > 0 && all;
  });
  assert.equal(found[0].source, 'tantu');
  assert.equal(found[0].code.value ?? found[0].code, 'F401');
  assert.deepEqual(found[0].tags, [vscode.DiagnosticTag.Unnecessary]);

  // Hover and navigation.
  const money = await open('shop/money.py');
  const at = goTo(money, 'def _require_same_currency').translate(0, 5);
  await until('a hover names the callers', async () => {
    const hovers = await ask('vscode.executeHoverProvider', money.document.uri, at);
    return hovers.some((hover) => hover.contents.some((part) => part.value.includes('3 callers')));
  });
  const references = await ask('vscode.executeReferenceProvider', money.document.uri, at);
  assert.equal(references.length, 4, 'three calls and the definition');

  // A lens opens the callers that it counts.
  const callers = await lens(money, '3 callers');
  const listed = await ask(callers.command.command, ...callers.command.arguments);
  assert.equal(listed.length, 3);
  await ask('closeReferenceSearch');

  // Code actions: an edit that comes when it is asked for, and is taken back in one step.
  await vscode.window.showTextDocument(scratch.document);
  const before = scratch.document.getText();
  const actions = await ask('vscode.executeCodeActionProvider', scratch.document.uri, found[0].range, undefined, 10);
  const remove = actions.find((it) => /remove unused import/i.test(it.title));
  assert.ok(remove?.edit, `there is a fix among: ${actions.map((it) => it.title).join(' | ')}`);
  assert.ok(await vscode.workspace.applyEdit(remove.edit));
  assert.equal(scratch.document.getText(), 'import sys\n\nprint(sys.argv)\n');
  await ask('undo');
  assert.equal(scratch.document.getText(), before);
  log('ok: a fix is applied and taken back');

  // Run the test at the cursor. The first run on a machine compiles the sandbox.
  const tests = await open('tests/test_money.py');
  goTo(tests, 'def test_arithmetic_is_exact');
  await lens(tests, '▶ run');
  await ask('tantu.runHere');
  await lens(tests, '✓ 1 passed', 100);

  // The Test Explorer runs what the server found, and knows why it failed.
  const failing = await open('tests/test_scratch.py');
  goTo(failing, 'def test_fails');
  await lens(failing, '▶ run');
  let tries = 0;
  await until(
    'the Test Explorer runs them',
    async () => {
      // Its view learns of new tests with a delay.
      if (tries++ % 20 === 0) void ask('testing.runCurrentFile');
      const lenses = await ask('vscode.executeCodeLensProvider', failing.document.uri);
      return lenses.some((it) => it.command?.title === '✗ 1 failed');
    },
    60,
  );
  await until('the failure is a finding', () =>
    vscode.languages.getDiagnostics(failing.document.uri).some((it) => (it.code?.value ?? it.code) === 'test-failed'),
  );

  // Its stop button ends what runs, long before the sandbox would.
  const endless = await open('tests/test_endless.py');
  goTo(endless, 'def test_never_ends');
  await lens(endless, '▶ run');
  await until(
    'an endless test runs',
    async () => {
      if (tries++ % 20 === 0) void ask('testing.runCurrentFile');
      const lenses = await ask('vscode.executeCodeLensProvider', endless.document.uri);
      return lenses.some((it) => it.command?.title.startsWith('…'));
    },
    60,
  );
  await ask('testing.cancelRun');
  const stopped = await until('and is stopped', async () => {
    const lenses = await ask('vscode.executeCodeLensProvider', endless.document.uri);
    return !lenses.some((it) => it.command?.title.startsWith('…')) && lenses.map((it) => it.command?.title).join(' | ');
  });
  assert.doesNotMatch(stopped, /stopped after/, stopped);

  // What is saved is mended first, if the user wants that.
  const editors = vscode.workspace.getConfiguration('editor', scratch.document);
  await editors.update('codeActionsOnSave', { 'source.fixAll.tantu': 'explicit' }, vscode.ConfigurationTarget.Global);
  const again = await vscode.window.showTextDocument(scratch.document);
  await again.edit((edit) => edit.insert(new vscode.Position(2, 0), '\n'));
  await scratch.document.save();
  assert.equal(scratch.document.getText(), 'import sys\n\n\nprint(sys.argv)\n');
  log('ok: fixed on saving');

  // A restart leaves nothing behind that is in the way.
  await ask('tantu.restart');
  goTo(money, 'def _require_same_currency');
  await lens(money, '3 callers');

  // What the palette offers is the server's, once it runs.
  const commands = await vscode.commands.getCommands(true);
  const { contributes } = extension.packageJSON;
  const missing = contributes.commands.map((it) => it.command).filter((it) => !commands.includes(it));
  assert.deepEqual(missing, []);
  await vscode.window.showTextDocument(money.document);
  goTo(money, 'def _require_same_currency');
  await ask('tantu.explain');
  await until('an explanation is shown', () =>
    vscode.window.tabGroups.all.some(({ tabs }) => tabs.some(({ label }) => label.includes('_require_same_currency'))),
  );

  // What the log shows of this machine.
  await ask('tantu.doctor');

  // Choosing a setting reaches the server.
  const settings = vscode.workspace.getConfiguration('tantu');
  await vscode.window.showTextDocument(money.document);
  await settings.update('codeLens', false, vscode.ConfigurationTarget.Global);
  await until(
    'lenses go when they are switched off',
    async () => (await ask('vscode.executeCodeLensProvider', money.document.uri)).length === 0,
  );

  // The Test Explorer does without them. What it shows then is looked at from outside.
  const below = await vscode.window.showTextDocument(failing.document, { preview: false });
  await below.edit((edit) => edit.insert(new vscode.Position(0, 0), '# Below\n'));
  const isFailure = (it) => (it.code?.value ?? it.code) === 'test-failed';
  await until(
    'the Test Explorer needs no lenses',
    () => {
      if (tries++ % 20 === 0) void ask('testing.runCurrentFile');
      const found = vscode.languages.getDiagnostics(failing.document.uri).filter(isFailure);
      return found.some((it) => it.range.start.line === 3 && it.severity === vscode.DiagnosticSeverity.Error);
    },
    60,
  );
};
