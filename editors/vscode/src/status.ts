// The item in the status bar: whether the server runs, and what it is busy with.
import * as vscode from 'vscode';
import type { WorkDoneProgressBegin, WorkDoneProgressEnd, WorkDoneProgressReport } from 'vscode-languageclient/node';

type Health = 'starting' | 'ready' | 'stopped' | 'missing';
type Progress = WorkDoneProgressBegin | WorkDoneProgressReport | WorkDoneProgressEnd;

export class Status implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem('tantu', vscode.StatusBarAlignment.Right, 10);
  private readonly jobs = new Map<number | string, { title: string; percentage?: number | undefined }>();
  private health: Health = 'starting';
  private detail = '';
  /** What the server has at hand, such as models. */
  private facts: string[] = [];

  constructor() {
    this.item.name = 'tantu';
    this.item.command = { title: 'Commands', command: 'workbench.action.quickOpen', arguments: ['>tantu: '] };
    this.item.show();
    this.draw();
  }

  show(health: Health, detail = ''): void {
    [this.health, this.detail] = [health, detail];
    this.jobs.clear();
    this.draw();
  }

  progress(token: number | string, value: Progress): void {
    const job = this.jobs.get(token);
    if (value.kind === 'begin') {
      this.jobs.set(token, value);
    } else if (value.kind === 'end') {
      this.jobs.delete(token);
    } else if (job) {
      job.percentage = value.percentage ?? job.percentage;
    }
    this.draw();
  }

  know(facts: string[]): void {
    this.facts = facts;
    this.draw();
  }

  dispose(): void {
    this.item.dispose();
  }

  private draw(): void {
    const jobs = [...this.jobs.values()].map(({ title, percentage }) =>
      percentage === undefined ? title : `${title} ${percentage} %`,
    );
    const isBusy = this.health === 'starting' || jobs.length > 0;
    const isDown = this.health === 'stopped' || this.health === 'missing';
    this.item.text = `${isDown ? '$(warning)' : isBusy ? '$(sync~spin)' : '$(check)'} tantu`;
    this.item.backgroundColor = isDown ? new vscode.ThemeColor('statusBarItem.warningBackground') : undefined;
    this.item.tooltip = [`tantu: ${this.health}`, this.detail, ...jobs, ...this.facts].filter(Boolean).join('\n');
    this.item.accessibilityInformation = { label: `tantu: ${[this.health, ...jobs].join(', ')}` };
  }
}
