// What VS Code starts: it puts the parts together and keeps nothing to itself.
import * as vscode from 'vscode';
import * as commands from './commands';
import { Documents } from './documents';
import { Explorer } from './explorer';
import * as graph from './graph';
import { type Hooks, Server } from './server';
import { Status } from './status';

let server: Server | undefined;

export function activate(context: vscode.ExtensionContext): void {
  const status = new Status();
  const documents = new Documents();
  const explorer = new Explorer(() => started);
  const hooks: Hooks = {
    executeCommand: async (name, args, next) => {
      const answer = await next(name, args);
      if (name === 'tantu.showCallers') {
        await commands.showCallers(args, answer);
      }
      return answer;
    },
    handleWorkDoneProgress: (token, value, next) => {
      status.progress(token, value);
      next(token, value);
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
  };
  const started = new Server(context.extension, status, hooks, (running) => void know(running, status));
  server = started;

  context.subscriptions.push(
    status,
    documents,
    explorer,
    started,
    ...commands.register(started),
    ...graph.register(started),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration('tantu.server.path')) {
        void started.restart();
      }
    }),
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

/** What the server has at hand, for the status item. */
async function know(server: Server, status: Status): Promise<void> {
  try {
    const { settings, sandbox } = JSON.parse(await commands.doctor(server, 'json')) as {
      settings: { propose: string[] };
      sandbox: { prepared: string | null; problem: string | null };
    };
    status.know([
      settings.propose.length > 0 ? `models: ${settings.propose.join(', ')}` : 'no model',
      sandbox.problem ?? (sandbox.prepared ? 'sandbox ready' : 'the sandbox is prepared with the first run'),
    ]);
  } catch (error) {
    server.log.debug(`doctor: ${String(error)}`);
  }
}
