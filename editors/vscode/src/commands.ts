// Commands that start from the cursor. What they do is the server's; here is only what it has to be told.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import * as vscode from 'vscode';
import type { CodeAction, Location } from 'vscode-languageclient/node';
import type { Server } from './server';

/** As `textDocument`, `position` and `range` of the protocol: VS Code counts as the protocol does. */
interface Place {
  uri: string;
  range: { start: vscode.Position; end: vscode.Position };
}

type Handler = (place: Place) => PromiseLike<unknown>;

export function register(server: Server): vscode.Disposable[] {
  const execute = (command: string, argument: object) => vscode.commands.executeCommand(command, argument);

  /** The server's commands behind its code actions at a place. */
  const offers = async ({ uri, range }: Place, only: string[], command: string) => {
    const here = new vscode.Range(range.start, range.end);
    const known = vscode.languages.getDiagnostics(vscode.Uri.parse(uri, true));
    const diagnostics = await server.encode(known.filter((it) => it.range.intersection(here)));
    const context = { diagnostics, only };
    const params = { textDocument: { uri }, range, context };
    const actions = (await server.request<CodeAction[] | null>('textDocument/codeAction', params)) ?? [];
    return actions.flatMap((action) => (action.command?.command === command ? [action.command] : []));
  };

  const atCursor: Record<string, Handler> = {
    'tantu.runHere': async (place) => {
      const here = { ...place, range: { start: place.range.start, end: place.range.start } };
      const [run] = await offers(here, ['tantu.run'], 'tantu.run');
      return run ? execute(run.command, run.arguments?.[0]) : inform('there is nothing to run at the cursor');
    },
    'tantu.runSelection': ({ uri, range }) => execute('tantu.run', { uri, kind: 'selection', range }),
    'tantu.runAffected': ({ uri }) => execute('tantu.runAffectedTests', { uri }),
    'tantu.forgetCells': ({ uri }) => execute('tantu.resetCells', { uri }),
    'tantu.proposeHere': async (place) => {
      const found = await offers(place, ['refactor.rewrite', 'quickfix'], 'tantu.propose');
      const items = found.map((command) => ({ label: command.title.replace(' (preview)', ''), command }));
      const item = items.length > 1 ? await vscode.window.showQuickPick(items, { title: 'Ask the model' }) : items[0];
      if (!item) {
        return items.length > 0 || noModel(server);
      }
      const prompt = 'What should be kept in mind? May be empty.';
      const instruction = await vscode.window.showInputBox({ title: item.label, prompt });
      const argument = { ...item.command.arguments?.[0], ...(instruction ? { instruction } : {}) };
      return instruction === undefined || execute(item.command.command, argument);
    },
    'tantu.silenceHere': async ({ uri, range }) => {
      const reason = await vscode.window.showInputBox({ title: 'Silence the finding', prompt: 'Why? May be empty.' });
      const argument = { textDocument: { uri }, position: range.start, reason };
      return reason === undefined || execute('tantu.silence', argument);
    },
  };
  const anywhere: Record<string, () => Promise<unknown> | void> = {
    'tantu.showLog': () => server.log.show(),
    'tantu.doctor': async () => {
      server.log.info((await doctor(server, 'human')).trimEnd());
      server.log.show();
    },
    'tantu.addModel': async () => {
      const page = vscode.Uri.joinPath(server.extension.extensionUri, 'walkthrough', 'model.md');
      await vscode.commands.executeCommand('markdown.showPreview', page);
    },
    'tantu.restart': () => server.restart(),
  };
  return [
    ...Object.entries(atCursor).map(([name, handler]) => command(name, () => withPlace(handler))),
    ...Object.entries(anywhere).map(([name, handler]) => command(name, handler)),
  ];
}

/** Registers a command whose failure is told in one line, without a stack. */
export function command(name: string, handler: () => Promise<unknown> | void): vscode.Disposable {
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
  const locations = (callers ?? []).map(
    ({ uri, range: { start, end } }) =>
      new vscode.Location(
        vscode.Uri.parse(uri, true),
        new vscode.Range(start.line, start.character, end.line, end.character),
      ),
  );
  const at = new vscode.Position(position.line, position.character);
  await vscode.commands.executeCommand(
    'editor.action.showReferences',
    vscode.Uri.parse(textDocument.uri),
    at,
    locations,
  );
}

/** What `tantu doctor` says of this machine. */
export async function doctor(server: Server, format: 'human' | 'json'): Promise<string> {
  if (server.command === undefined) {
    throw new Error('there is no server; set tantu.server.path');
  }
  const cwd = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  return (await promisify(execFile)(server.command, ['doctor', '--format', format], { cwd })).stdout;
}

export async function inform(message: string): Promise<void> {
  await vscode.window.showInformationMessage(`tantu: ${message}`);
}

async function noModel(server: Server): Promise<unknown> {
  const { models } = (JSON.parse(await doctor(server, 'json')) as { settings: { models: unknown[] } }).settings;
  if (models.length > 0) {
    return inform('there is nothing here that a model could do');
  }
  const how = 'How to Add One';
  const answer = await vscode.window.showInformationMessage('tantu: no model is configured.', how);
  return answer && vscode.commands.executeCommand('tantu.addModel');
}

async function withPlace(handler: Handler): Promise<unknown> {
  const editor = vscode.window.activeTextEditor;
  if (editor?.document.languageId !== 'python') {
    return inform('open a Python file first');
  }
  const { start, end } = editor.selection;
  return handler({ uri: editor.document.uri.toString(), range: { start, end } });
}
