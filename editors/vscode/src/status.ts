// The item in the status bar: whether the server runs, and what it says of itself.
import * as vscode from 'vscode';

/** `tantu/status`, as far as it matters here. */
export interface Known {
  /** What is under way. */
  busy: string[];
  models: string[];
  /** Those of models that fail. */
  servers: unknown[];
  text: string;
}

type Health = 'starting' | 'ready' | 'stopped' | 'missing';

const NOTHING: Known = { busy: [], models: [], servers: [], text: '' };

export class Status implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem('tantu', vscode.StatusBarAlignment.Right, 10);
  private health: Health = 'starting';
  private detail = '';
  known = NOTHING;

  constructor() {
    this.item.name = 'tantu';
    this.item.command = { title: 'Commands', command: 'workbench.action.quickOpen', arguments: ['>tantu: '] };
    this.item.show();
  }

  /** What the server is doing, or why it is not there. */
  show(health: Health, detail = ''): void {
    [this.health, this.detail] = [health, detail];
    this.know(NOTHING);
  }

  know(known: Known): void {
    this.known = known;
    const isBusy = this.health === 'starting' || known.busy.length > 0;
    const isDown = this.health === 'stopped' || this.health === 'missing';
    const icon = isBusy ? '$(sync~spin)' : isDown || known.servers.length > 0 ? '$(warning)' : '$(check)';
    const lines = [`tantu: ${this.health}`, this.detail, known.text].filter(Boolean);
    this.item.text = `${icon} tantu`;
    this.item.backgroundColor = isDown ? new vscode.ThemeColor('statusBarItem.warningBackground') : undefined;
    this.item.tooltip = lines.join('\n');
    this.item.accessibilityInformation = { label: lines.join(', ') };
  }

  dispose(): void {
    this.item.dispose();
  }
}
