// Commands that start from the cursor. What they do is the server's; here is only what it has to be told.
import * as vscode from 'vscode';
import type { CodeAction, Location } from 'vscode-languageclient/node';
import type { Server } from './server';
import type { Doctor } from './status';

const execute = <R = unknown>(command: string, ...args: unknown[]) =>
  vscode.commands.executeCommand<R>(command, ...args);

export function register(server: Server): vscode.Disposable[] {
  const atCursor: Record<string, (uri: vscode.Uri, selection: vscode.Selection) => PromiseLike<unknown>> = {
    'tantu.runHere': async (uri, { start }) => {
      // VS Code asks only for kinds that are announced, and offers those to everybody.
      const context = { diagnostics: [], only: ['tantu.run'] };
      const params = { textDocument: { uri: String(uri) }, range: { start, end: start }, context };
      const [run] = (await server.request<CodeAction[] | null>('textDocument/codeAction', params)) ?? [];
      return run?.command
        ? execute('tantu.run', ...(run.command.arguments ?? []))
        : inform('there is nothing to run at the cursor');
    },
    'tantu.runSelection': (uri, { start, end }) =>
      execute('tantu.run', { uri: String(uri), kind: 'selection', range: { start, end } }),
    'tantu.runAffected': (uri) => execute('tantu.runAffectedTests', { uri: String(uri) }),
    'tantu.forgetCells': (uri) => execute('tantu.resetCells', { uri: String(uri) }),
    'tantu.proposeHere': async (uri, selection) => {
      const found = await execute<vscode.CodeAction[]>('vscode.executeCodeActionProvider', uri, selection);
      const items = found.flatMap(({ title, command }) =>
        command?.command === 'tantu.propose' ? [{ label: title.replace(' (preview)', ''), command }] : [],
      );
      const item = items.length > 1 ? await vscode.window.showQuickPick(items, { title: 'Ask the model' }) : items[0];
      if (!item) {
        return items.length > 0 || nothingToAsk(server);
      }
      const prompt = 'What should be kept in mind? May be empty.';
      const instruction = await vscode.window.showInputBox({ title: item.label, prompt });
      const argument = { ...item.command.arguments?.[0], ...(instruction ? { instruction } : {}) };
      return instruction === undefined || execute(item.command.command, argument);
    },
    'tantu.silenceHere': async (uri, { start: position }) => {
      const reason = await vscode.window.showInputBox({ title: 'Silence the finding', prompt: 'Why? May be empty.' });
      return reason === undefined || execute('tantu.silence', { textDocument: { uri: String(uri) }, position, reason });
    },
  };
  const anywhere: Record<string, () => PromiseLike<unknown> | void> = {
    'tantu.showLog': () => server.log.show(),
    'tantu.doctor': async () => {
      server.log.info((await server.doctor('human')).trimEnd());
      server.log.show();
    },
    'tantu.addModel': () => {
      const page = vscode.Uri.joinPath(server.extension.extensionUri, 'walkthrough', 'model.md');
      return execute('markdown.showPreview', page);
    },
    'tantu.restart': () => server.restart(),
  };
  const withPlace = (handler: (typeof atCursor)[string]) => () => {
    const editor = vscode.window.activeTextEditor;
    return editor?.document.languageId === 'python'
      ? handler(editor.document.uri, editor.selection)
      : inform('open a Python file first');
  };
  return [
    ...Object.entries(atCursor).map(([name, handler]) => command(name, withPlace(handler))),
    ...Object.entries(anywhere).map(([name, handler]) => command(name, handler)),
  ];
}

/** Registers a command whose failure is told in one line, without a stack. */
export function command(name: string, handler: () => PromiseLike<unknown> | void): vscode.Disposable {
  return vscode.commands.registerCommand(name, async () => {
    try {
      await handler();
    } catch (error) {
      await vscode.window.showWarningMessage(`tantu: ${error instanceof Error ? error.message : String(error)}`);
    }
  });
}

/** Lists the callers that a lens counts, as VS Code lists references. */
export async function showCallers([place]: unknown[], callers: Location[] | null): Promise<void> {
  const { textDocument, position } = place as { textDocument: { uri: string }; position: vscode.Position };
  const point = ({ line, character }: { line: number; character: number }) => new vscode.Position(line, character);
  const locations = (callers ?? []).map(
    ({ uri, range: { start, end } }) =>
      new vscode.Location(vscode.Uri.parse(uri, true), new vscode.Range(point(start), point(end))),
  );
  await execute('editor.action.showReferences', vscode.Uri.parse(textDocument.uri), point(position), locations);
}

export async function inform(message: string): Promise<void> {
  await vscode.window.showInformationMessage(`tantu: ${message}`);
}

async function nothingToAsk(server: Server): Promise<unknown> {
  const { settings } = JSON.parse(await server.doctor('json')) as Doctor;
  if (settings.models.length > 0) {
    return inform('there is nothing here that a model could do');
  }
  const answer = await vscode.window.showInformationMessage('tantu: no model is configured.', 'How to add a model');
  return answer && execute('tantu.addModel');
}
