// The server's process and the client that talks with it.
import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import { promisify } from 'node:util';
import * as vscode from 'vscode';
import {
  LanguageClient,
  LogMessageNotification,
  MessageType,
  type Middleware,
  type ProgressToken,
  State,
  type StaticFeature,
  WorkDoneProgressCancelNotification,
} from 'vscode-languageclient/node';
import { locate } from './locate';
import { chosen, serverKeys } from './settings';
import type { Doctor, Status } from './status';

/** What the rest of the extension looks into and adds to. */
export type Hooks = Pick<Middleware, 'executeCommand' | 'handleWorkDoneProgress' | 'provideCodeLenses' | 'window'>;

export class Server implements vscode.Disposable {
  readonly log = vscode.window.createOutputChannel('tantu', { log: true });
  private readonly trace = vscode.window.createOutputChannel('tantu trace', { log: true });
  private readonly said = new vscode.EventEmitter<string>();
  /** What the server writes to its log, such as the output of what it runs. */
  readonly onLog = this.said.event;
  private client: LanguageClient | undefined;
  private command: string | undefined;
  private restarted: Promise<unknown> = Promise.resolve();

  constructor(
    readonly extension: vscode.Extension<unknown>,
    readonly status: Status,
    private readonly hooks: Hooks,
  ) {}

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
    const configuration = () => this.settings();
    const client = new LanguageClient(
      'tantu',
      'tantu',
      { command: found, args: ['lsp'] },
      {
        documentSelector: [{ scheme: 'file', language: 'python' }],
        initializationOptions: configuration,
        outputChannel: this.log,
        traceOutputChannel: this.trace,
        middleware: {
          ...this.hooks,
          workspace: {
            configuration: ({ items }) => items.map(({ section }) => (section === 'tantu' ? configuration() : null)),
            didChangeConfiguration: () => this.announceSettings(),
          },
        },
      },
    );
    this.client = client;
    client.onDidChangeState(({ newState }) => {
      if (newState === State.Running) {
        this.status.show('ready', `${client.initializeResult?.serverInfo?.version ?? ''}, ${found}`);
        void this.look();
      } else if (newState === State.Stopped && this.client === client) {
        this.status.show('stopped', 'The server has stopped. The log says why.');
      }
    });
    // What should be different about a proposal?
    client.registerFeature(asksForText);
    client.onRequest('tantu/input', async ({ prompt }: { prompt: string }) => ({
      text: await vscode.window.showInputBox({ prompt, ignoreFocusOut: true }),
    }));
    client.onNotification(LogMessageNotification.type, ({ type, message }) => {
      // What runs writes as it goes, not line by line.
      const log = { [MessageType.Error]: this.log.error, [MessageType.Log]: this.log.append }[type as 1 | 4];
      (log ?? this.log.info).call(this.log, message);
      this.said.fire(message);
    });
    // Why it failed has been shown by the client.
    await client.start();
  }

  async stop(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    await client?.dispose().catch((error: unknown) => this.log.warn(String(error)));
  }

  /** Has the server ask for its settings again. */
  async announceSettings(): Promise<void> {
    await this.client?.sendNotification('workspace/didChangeConfiguration', { settings: null });
  }

  /** Ends a piece of work. */
  async cancel(token: ProgressToken): Promise<void> {
    await this.client?.sendNotification(WorkDoneProgressCancelNotification.type, { token });
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
  async doctor(format: 'human' | 'json'): Promise<string> {
    const cwd = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
    return (await promisify(execFile)(this.command ?? 'tantu', ['doctor', '--format', format], { cwd })).stdout;
  }

  /** Brings the status item up to date. */
  async look(): Promise<void> {
    try {
      this.status.know(JSON.parse(await this.doctor('json')) as Doctor);
    } catch (error) {
      this.log.debug(`doctor: ${String(error)}`);
    }
  }

  dispose(): void {
    [this.log, this.trace, this.said].forEach((it) => it.dispose());
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

/** Tells the server that it can ask for a line of text, which standard LSP has no way to do. */
const asksForText: StaticFeature = {
  fillClientCapabilities: (capabilities) => {
    capabilities.experimental = { tantu: { input: true } };
  },
  initialize: () => undefined,
  getState: () => ({ kind: 'static' }),
  clear: () => undefined,
};
