// The server's process and the client that talks with it.
import * as fs from 'node:fs';
import * as vscode from 'vscode';
import {
  type Diagnostic,
  LanguageClient,
  LogMessageNotification,
  MessageType,
  type Middleware,
  State,
  type StaticFeature,
} from 'vscode-languageclient/node';
import { locate } from './locate';
import { chosen, serverKeys } from './settings';
import type { Status } from './status';

/** What the rest of the extension looks into and adds to. */
export type Hooks = Pick<Middleware, 'executeCommand' | 'handleWorkDoneProgress' | 'provideCodeLenses' | 'window'>;

export class Server implements vscode.Disposable {
  readonly log = vscode.window.createOutputChannel('tantu', { log: true });
  private readonly said = new vscode.EventEmitter<string>();
  /** What the server writes to its log, such as the output of what it runs. */
  readonly onLog = this.said.event;
  private readonly trace = vscode.window.createOutputChannel('tantu trace', { log: true });
  private readonly keys: readonly string[];
  private client: LanguageClient | undefined;
  private restarted: Promise<void> = Promise.resolve();
  /** The program that was started last. */
  command: string | undefined;

  constructor(
    readonly extension: vscode.Extension<unknown>,
    private readonly status: Status,
    private readonly hooks: Hooks,
    private readonly onRunning: (server: Server) => void,
  ) {
    this.keys = serverKeys(extension.packageJSON);
  }

  /** Starts the server, again if it runs. Why that is not possible is shown to the user, and no error. */
  restart(): Promise<void> {
    // One after the other, or there would be two of them.
    this.restarted = this.restarted
      .catch(() => undefined)
      .then(() => this.stop())
      .then(() => this.start());
    return this.restarted;
  }

  private async start(): Promise<void> {
    const found = locate({
      setting: vscode.workspace.getConfiguration('tantu').get('server.path', ''),
      extension: this.extension.extensionPath,
      search: process.env['PATH'] ?? '',
      platform: process.platform,
      isFile: (path) => fs.statSync(path, { throwIfNoEntry: false })?.isFile() ?? false,
    });
    if ('problem' in found) {
      this.status.show('missing', found.problem);
      void complain(found.problem);
      return;
    }
    this.command = found.path;
    this.log.info(`starting ${found.path} (from ${found.from})`);
    this.status.show('starting');
    const client = new LanguageClient(
      'tantu',
      'tantu',
      { command: found.path, args: ['lsp'] },
      {
        documentSelector: [{ scheme: 'file', language: 'python' }],
        initializationOptions: () => this.settings(),
        outputChannel: this.log,
        traceOutputChannel: this.trace,
        middleware: {
          ...this.hooks,
          workspace: {
            configuration: (params) => params.items.map((item) => (item.section === 'tantu' ? this.settings() : null)),
            didChangeConfiguration: () => this.announceSettings(),
          },
        },
      },
    );
    this.client = client;
    client.onDidChangeState(({ newState }) => {
      if (newState === State.Running) {
        this.status.show('ready', `${client.initializeResult?.serverInfo?.version ?? ''}, ${found.path}`);
        this.onRunning(this);
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
      if (type === MessageType.Error) {
        this.log.error(message);
      } else if (type === MessageType.Log) {
        // What runs writes as it goes, not line by line.
        this.log.append(message);
      } else {
        this.log.info(message);
      }
      this.said.fire(message);
    });
    // Why it failed has been shown by the client.
    await client.start().catch((error: unknown) => this.log.error(String(error)));
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

  /** Findings as the server knows them. */
  async encode(diagnostics: vscode.Diagnostic[]): Promise<Diagnostic[]> {
    return (await this.client?.code2ProtocolConverter.asDiagnostics(diagnostics)) ?? [];
  }

  dispose(): void {
    this.log.dispose();
    this.trace.dispose();
    this.said.dispose();
  }

  private settings(): Record<string, unknown> {
    const settings = vscode.workspace.getConfiguration('tantu');
    const has = (id: string) => vscode.extensions.getExtension(id) !== undefined;
    return chosen(this.keys, (key) => settings.inspect(key), has);
  }
}

/** Tells the server that it can ask for a line of text, which standard LSP has no way to do. */
const asksForText: StaticFeature = {
  fillClientCapabilities: (capabilities) => {
    capabilities.experimental = { tantu: { input: true } };
  },
  initialize: () => undefined,
  getState: () => ({ kind: 'static' }),
  clear: () => undefined,
};

async function complain(problem: string): Promise<void> {
  const open = 'Open Settings';
  if ((await vscode.window.showErrorMessage(`tantu: ${problem}`, open)) === open) {
    await vscode.commands.executeCommand('workbench.action.openSettings', 'tantu.server.path');
  }
}
