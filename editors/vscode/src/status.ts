// The item in the status bar: whether the server runs, what it is busy with, and what it has at hand.
import * as vscode from 'vscode';
import type {
  ProgressToken,
  WorkDoneProgressBegin,
  WorkDoneProgressEnd,
  WorkDoneProgressReport,
} from 'vscode-languageclient/node';

type Progress = WorkDoneProgressBegin | WorkDoneProgressReport | WorkDoneProgressEnd;

/** What `tantu doctor --format json` says, as far as it matters here. */
export interface Doctor {
  settings: { propose: string[]; models: unknown[] };
  failing_servers: { server: string; state: 'open' | 'half-open' | 'closed'; retry_in: number | null; error: string }[];
  sandbox: { prepared: string | null; problem: string | null };
}

export class Status implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem('tantu', vscode.StatusBarAlignment.Right, 10);
  /** What is under way, by its token. */
  readonly jobs = new Map<ProgressToken, { title: string; percentage?: number }>();
  private lines: string[] = [];
  private facts: string[] = [];
  private isDown = false;

  constructor() {
    this.item.name = 'tantu';
    this.item.command = { title: 'Commands', command: 'workbench.action.quickOpen', arguments: ['>tantu: '] };
    this.item.show();
  }

  /** What the server is doing, or why it is not there. */
  show(health: 'starting' | 'ready' | 'stopped' | 'missing', detail = ''): void {
    this.lines = [`tantu: ${health}`, detail];
    this.isDown = health === 'stopped' || health === 'missing';
    this.jobs.clear();
    this.draw(health === 'starting');
  }

  progress(token: ProgressToken, value: Progress): void {
    if (value.kind === 'end') {
      this.jobs.delete(token);
    } else {
      this.jobs.set(token, { title: '', ...this.jobs.get(token), ...value });
    }
    this.draw();
  }

  /** Models, their servers that fail, and the sandbox. */
  know({ settings, failing_servers: failing, sandbox }: Doctor): void {
    this.facts = [
      settings.propose.length > 0 ? `models: ${settings.propose.join(', ')}` : 'no model',
      ...failing.map(
        (it) => `${it.server} fails: ${it.error}${it.retry_in ? `; asked again in ${it.retry_in} s` : ''}`,
      ),
      sandbox.problem ?? (sandbox.prepared ? 'sandbox ready' : 'the sandbox is prepared with the first run'),
    ];
    this.draw();
  }

  dispose(): void {
    this.item.dispose();
  }

  private draw(isBusy = this.jobs.size > 0): void {
    const jobs = [...this.jobs.values()].map(
      (it) => `${it.title}${it.percentage === undefined ? '' : ` ${it.percentage} %`}`,
    );
    this.item.text = `${this.isDown ? '$(warning)' : isBusy ? '$(sync~spin)' : '$(check)'} tantu`;
    this.item.backgroundColor = this.isDown ? new vscode.ThemeColor('statusBarItem.warningBackground') : undefined;
    this.item.tooltip = [...this.lines, ...jobs, ...this.facts].filter(Boolean).join('\n');
    this.item.accessibilityInformation = { label: [this.lines[0], ...jobs].join(', ') };
  }
}
