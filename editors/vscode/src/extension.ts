// What VS Code starts: it puts the parts together and keeps nothing to itself.
import * as vscode from 'vscode';
import * as agents from './agents';
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
  const started = new Server(context.extension, status, explorer, documents, {
    executeCommand: async (name, args, next) => {
      // Who comes from the palette brings nothing along.
      if (args.length === 0) {
        return commands.orWarn(() => commands.atCursor(started, name));
      }
      const answer = await next(name, args);
      await (name === 'tantu.showCallers' && commands.showCallers(args, answer));
      return answer;
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
    ...graph.register(started),
    ...agents.offer(() => started.program),
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
