// The server's process and the client that talks with it.
import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import { promisify } from 'node:util';
import * as vscode from 'vscode';
import { LanguageClient, type Middleware, State, type StaticFeature } from 'vscode-languageclient/node';
import type { Comparison, Documents } from './documents';
import type { Coverage, Explorer, News, Tests } from './explorer';
import { locate } from './locate';
import { chosen, serverKeys } from './settings';
import type { Known, Status } from './status';

export class Server implements vscode.Disposable {
  readonly log = vscode.window.createOutputChannel('tantu', { log: true });
  private readonly trace = vscode.window.createOutputChannel('tantu trace', { log: true });
  private client: LanguageClient | undefined;
  private command: string | undefined;
  private restarted: Promise<unknown> = Promise.resolve();

  constructor(
    readonly extension: vscode.Extension<unknown>,
    readonly status: Status,
    private readonly explorer: Explorer,
    private readonly documents: Documents,
    private readonly middleware: Middleware,
  ) {}

  /** The program that was started last. */
  get program(): string | undefined {
    return this.command;
  }

  /** Starts the server, again if it runs. Why that is not possible is shown to the user, and no error. */
  restart(): Promise<unknown> {
    // One after the other, or there would be two of them.
    this.restarted = this.restarted
      .then(() => this.stop())
      .then(() => this.start())
      .catch((error: unknown) => this.log.error(String(error)));
    return this.restarted;
  }

  private async start(): Promise<void> {
    const setting = vscode.workspace.getConfiguration('tantu').get('server.path', '');
    const isFile = (path: string) => fs.statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
    const found = locate(setting, this.extension.extensionPath, process.env['PATH'] ?? '', process.platform, isFile);
    this.command = found;
    if (!found) {
      void this.miss(setting ? `tantu.server.path names ${setting}, which is not a file.` : MISSING);
      return;
    }
    this.log.info(`starting ${found}`);
    this.status.show('starting');
    const client = new LanguageClient(
      'tantu',
      'tantu',
      { command: found, args: ['lsp'] },
      {
        documentSelector: [{ scheme: 'file', language: 'python' }],
        initializationOptions: () => this.settings(),
        outputChannel: this.log,
        traceOutputChannel: this.trace,
        middleware: {
          ...this.middleware,
          workspace: {
            configuration: ({ items }) => items.map(({ section }) => (section === 'tantu' ? this.settings() : null)),
            didChangeConfiguration: () => this.announceSettings(),
          },
        },
      },
    );
    this.client = client;
    client.onDidChangeState(({ newState }) => {
      void vscode.commands.executeCommand('setContext', 'tantu.running', newState === State.Running);
      if (newState === State.Running) {
        this.status.show('ready', `${client.initializeResult?.serverInfo?.version ?? ''}, ${found}`);
      } else if (newState === State.Stopped && this.client === client) {
        this.status.show('stopped', 'The server has stopped. The log says why.');
      } else {
        this.explorer.clear();
      }
    });
    client.registerFeature(beyondTheStandard);
    client.onNotification('tantu/status', (known: Known) => this.status.know(known));
    client.onNotification('tantu/tests', (tests: Tests) => this.explorer.list(tests));
    client.onNotification('tantu/run', (news: News) => this.explorer.follow(news));
    client.onNotification('tantu/coverage', (coverage: Coverage) => this.explorer.cover(coverage));
    client.onRequest('tantu/diff', (comparison: Comparison) => this.documents.compare(comparison));
    // What should be different about a proposal?
    client.onRequest('tantu/input', async ({ prompt }: { prompt: string }) => ({
      text: await vscode.window.showInputBox({ prompt, ignoreFocusOut: true }),
    }));
    // Why it failed has been shown by the client.
    await client.start();
  }

  async stop(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    await client?.dispose().catch((error: unknown) => this.log.warn(String(error)));
  }

  /** Has the server ask for its settings again. */
  announceSettings(): Promise<void> {
    return this.notify('workspace/didChangeConfiguration', { settings: null });
  }

  /** Sends a notification of the protocol, if there is anybody to hear it. */
  async notify(method: string, params: object): Promise<void> {
    await this.client?.sendNotification(method, params);
  }

  /**
   * Sends a request of the protocol.
   *
   * @throws when the server does not run, and what the server answers with.
   */
  async request<R>(method: string, params: object): Promise<R> {
    if (!this.client?.isRunning()) {
      throw new Error('the server is not running; the log says why');
    }
    return this.client.sendRequest<R>(method, params);
  }

  /** What `tantu doctor` says of this machine. */
  async doctor(): Promise<string> {
    const cwd = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
    const asked = promisify(execFile)(this.command ?? 'tantu', ['doctor'], { cwd });
    // It fails when something is missing, and says what.
    return (await asked.catch((error: Error & { stdout?: string }) => ({ stdout: error.stdout || String(error) })))
      .stdout;
  }

  dispose(): void {
    this.log.dispose();
    this.trace.dispose();
  }

  private async miss(problem: string): Promise<void> {
    this.status.show('missing', problem);
    if (await vscode.window.showErrorMessage(`tantu: ${problem}`, 'Open Settings')) {
      await vscode.commands.executeCommand('workbench.action.openSettings', 'tantu.server.path');
    }
  }

  private settings(): Record<string, unknown> {
    const settings = vscode.workspace.getConfiguration('tantu');
    const has = (id: string) => vscode.extensions.getExtension(id) !== undefined;
    return chosen(serverKeys(this.extension.packageJSON), (key) => settings.inspect(key), has);
  }
}

const MISSING = 'There is no tantu on the PATH. Install it, or set tantu.server.path to where it is.';

/** Tells the server what it may send besides standard LSP. */
const beyondTheStandard: StaticFeature = {
  fillClientCapabilities: (capabilities) => {
    capabilities.experimental = { tantu: { coverage: true, input: true, status: true, tests: true, diff: true } };
  },
  initialize: () => undefined,
  getState: () => ({ kind: 'static' }),
  clear: () => undefined,
};
