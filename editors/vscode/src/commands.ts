// Commands in the palette. What they do is the server's: most are its own, and are only told where the cursor is.
import * as vscode from 'vscode';
import type { Location, TextDocumentPositionParams } from 'vscode-languageclient/node';
import { toLocation, toPosition, toUri } from './places';
import type { Server } from './server';

const execute = <R = unknown>(command: string, ...args: unknown[]) =>
  vscode.commands.executeCommand<R>(command, ...args);

export function register(server: Server): vscode.Disposable[] {
  const commands: Record<string, () => PromiseLike<unknown> | void> = {
    'tantu.proposeHere': () => propose(server),
    'tantu.keepSnippet': () => atCursor(server, 'tantu.snippets', { action: 'keep' }),
    'tantu.insertSnippet': () => atCursor(server, 'tantu.snippets', { action: 'insert' }),
    'tantu.fixFromTraceback': async () => {
      const text = await vscode.env.clipboard.readText();
      return server.request('workspace/executeCommand', { command: 'tantu.fixTraceback', arguments: [{ text }] });
    },
    'tantu.showLog': () => server.log.show(),
    'tantu.doctor': async () => {
      server.log.info((await server.doctor()).trimEnd());
      server.log.show();
    },
    'tantu.addModel': () => {
      const page = vscode.Uri.joinPath(server.extension.extensionUri, 'walkthrough', 'model.md');
      return execute('markdown.showPreview', page);
    },
    'tantu.restart': () => server.restart(),
  };
  return Object.entries(commands).map(([name, handler]) =>
    vscode.commands.registerCommand(name, () => orWarn(handler)),
  );
}

/** Whoever failed is told in one line, without a stack. */
export async function orWarn(handler: () => PromiseLike<unknown> | void): Promise<unknown> {
  try {
    return await handler();
  } catch (error) {
    return vscode.window.showWarningMessage(`tantu: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Has the server execute a command at the cursor in a Python file; of what it is told of the place, it takes what it needs. */
export function atCursor<R>(server: Server, command: string, more: object = {}): Promise<R> {
  const { activeTextEditor, visibleTextEditors } = vscode.window;
  const editor = [activeTextEditor, ...visibleTextEditors].find((it) => it?.document.languageId === 'python');
  const uri = String(editor?.document.uri ?? vscode.workspace.workspaceFolders?.[0]?.uri ?? '');
  const { active: position, start, end } = editor?.selection ?? new vscode.Selection(0, 0, 0, 0);
  const place = { uri, textDocument: { uri }, position, range: { start, end }, show: true, ...more };
  return server.request('workspace/executeCommand', { command, arguments: [place] });
}

/** Lists the callers that a lens counts, as VS Code lists references. */
export async function showCallers([place]: unknown[], callers: Location[] | null): Promise<void> {
  const { textDocument, position } = place as TextDocumentPositionParams;
  const locations = (callers ?? []).map(toLocation);
  await execute('editor.action.showReferences', toUri(textDocument.uri), toPosition(position), locations);
}

export async function inform(message: string): Promise<void> {
  await vscode.window.showInformationMessage(`tantu: ${message}`);
}

/** Asks what a model is to do, and what it should keep in mind. */
async function propose(server: Server): Promise<unknown> {
  const editor = vscode.window.activeTextEditor;
  const provider = 'vscode.executeCodeActionProvider';
  const found = editor && (await execute<vscode.CodeAction[]>(provider, editor.document.uri, editor.selection));
  const items = (found ?? []).flatMap(({ title, command }) =>
    command?.command === 'tantu.propose' ? [{ label: title.replace(' (preview)', ''), command }] : [],
  );
  const item = items.length > 1 ? await vscode.window.showQuickPick(items, { title: 'Ask the model' }) : items[0];
  if (!item) {
    return items.length > 0 || nothingToAsk(server);
  }
  const prompt = 'What should be kept in mind? May be empty.';
  const instruction = await vscode.window.showInputBox({ title: item.label, prompt });
  const argument = { ...item.command.arguments?.[0], ...(instruction ? { instruction } : {}) };
  return instruction === undefined || execute('tantu.propose', argument);
}

async function nothingToAsk({ status }: Server): Promise<unknown> {
  if (status.known.models.length > 0) {
    return inform('there is nothing here that a model could do');
  }
  const answer = await vscode.window.showInformationMessage('tantu: no model is configured.', 'How to add a model');
  return answer && execute('tantu.addModel');
}
