// What VS Code starts: it puts the parts together and keeps nothing to itself.
import * as vscode from 'vscode';
import * as commands from './commands';
import { Documents } from './documents';
import { Explorer } from './explorer';
import * as graph from './graph';
import { Server } from './server';
import { Status } from './status';

let server: Server | undefined;

export function activate(context: vscode.ExtensionContext): void {
  const status = new Status();
  const documents = new Documents();
  const explorer = new Explorer(() => started);
  const started = new Server(context.extension, status, {
    executeCommand: async (name, args, next) => {
      const answer = await next(name, args);
      await (name === 'tantu.showCallers' && commands.showCallers(args, answer));
      return answer;
    },
    handleWorkDoneProgress: (token, value, next) => {
      status.progress(token, value);
      next(token, value);
      // What ends may have been a question to a model, or the sandbox's preparation.
      void (value.kind === 'end' && started.look());
    },
    provideCodeLenses: async (document, token, next) => {
      const lenses = await next(document, token);
      // Lenses do not wait for the Test Explorer.
      explorer.see(document.uri, lenses ?? []).catch((error: unknown) => started.log.warn(String(error)));
      return lenses;
    },
    window: {
      showDocument: async (params, token, next) =>
        (await documents.show(params)) ? { success: true } : next(params, token),
    },
  });
  server = started;

  context.subscriptions.push(
    status,
    documents,
    explorer,
    started,
    ...commands.register(started),
    ...graph.register(),
    vscode.workspace.onDidChangeConfiguration(
      (change) => void (change.affectsConfiguration('tantu.server.path') && started.restart()),
    ),
    // Before that, the workspace's choice of a server did not count.
    vscode.workspace.onDidGrantWorkspaceTrust(() => void started.restart()),
    vscode.extensions.onDidChange(() => void started.announceSettings()),
  );
  // Nothing waits for the server: the editor is usable while it starts.
  void started.restart();
}

export async function deactivate(): Promise<void> {
  await server?.stop();
}
