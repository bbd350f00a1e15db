// The Test Explorer. Tests are what the server puts a `▶ run` above, and results are what its lenses say; so a run from a
// lens shows here too.
import * as vscode from 'vscode';
import type { Diagnostic, Range } from 'vscode-languageclient/node';
import type { Server } from './server';
import { verdict } from './verdict';

/** The argument of `tantu.run`. */
interface Run {
  uri: string;
  kind: string;
  target: string | null;
}

interface Lens {
  range: Range | vscode.Range;
  command?: { title: string; command: string; arguments?: unknown[] } | undefined;
}

/** What the lenses of a file say, by the item that they are about. */
type Titles = Map<vscode.TestItem, string>;

const TESTS = '**/{test_*,*_test}.py';
/** Environments and caches, whose tests are nobody's here. */
const FOREIGN = '**/{.*,site-packages,node_modules}/**';

/** How often a run is looked after, in milliseconds. */
const PERIOD = 150;

export class Explorer implements vscode.Disposable {
  private readonly controller = vscode.tests.createTestController('tantu', 'tantu');
  private readonly watcher = vscode.workspace.createFileSystemWatcher('**/*.py', true, true);
  private readonly runs = new WeakMap<vscode.TestItem, Run>();
  /** What was reported last of each item, by its id. */
  private readonly reported = new Map<string, string>();
  /** Runs of the Test Explorer's own that have not ended. */
  private running = 0;

  constructor(private readonly server: () => Server) {
    this.watcher.onDidDelete((uri) => this.controller.items.delete(uri.toString()));
    this.controller.refreshHandler = () => this.discover();
    this.controller.resolveHandler = async (item) => void (await (item ? this.refresh(item) : this.discover()));
    const run = (request: vscode.TestRunRequest, token: vscode.CancellationToken) => this.run(request, token);
    this.controller.createRunProfile('Run in the sandbox', vscode.TestRunProfileKind.Run, run, true);
  }

  /** Takes in the lenses of a document that the editor asked for. */
  async see(uri: vscode.Uri, lenses: readonly Lens[]): Promise<void> {
    const titles = this.learn(uri, lenses);
    const isNew = ([{ id, children }, title]: [vscode.TestItem, string]) =>
      children.size === 0 && /^[✓✗○](?!.*outdated$)/.test(title) && title !== this.reported.get(id);
    const ended = [...titles].filter(isNew).map(([item]) => item);
    if (ended.length > 0 && this.running === 0) {
      const run = this.controller.createTestRun(new vscode.TestRunRequest(ended), 'lens', false);
      await this.report(run, ended, titles);
      run.end();
    }
  }

  dispose(): void {
    this.watcher.dispose();
    this.controller.dispose();
  }

  private async discover(): Promise<void> {
    (await vscode.workspace.findFiles(TESTS, FOREIGN)).forEach((uri) => this.file(uri));
  }

  private async refresh({ uri }: vscode.TestItem): Promise<Titles> {
    const params = { textDocument: { uri: String(uri) } };
    const lenses = await this.server().request<Lens[] | null>('textDocument/codeLens', params);
    return uri ? this.learn(uri, lenses ?? []) : new Map();
  }

  private file(uri: vscode.Uri): vscode.TestItem {
    const { items } = this.controller;
    const known = items.get(uri.toString());
    const item = known ?? this.controller.createTestItem(uri.toString(), vscode.workspace.asRelativePath(uri), uri);
    item.canResolveChildren = true;
    items.add(item);
    return item;
  }

  /** Makes the tree below a file what its lenses say. */
  private learn(uri: vscode.Uri, lenses: readonly Lens[]): Titles {
    const titles: Titles = new Map();
    for (const { command, range } of lenses) {
      const run = command?.command === 'tantu.run' ? (command.arguments?.[0] as Run) : undefined;
      if (command && run && ['pytest', 'doctest'].includes(run.kind)) {
        const file = this.file(uri);
        const item = run.kind === 'pytest' && !run.target ? file : this.child(file, run);
        item.range = new vscode.Range(range.start.line, 0, range.start.line, 0);
        this.runs.set(item, run);
        titles.set(item, command.title);
      }
    }
    const prune = (items: vscode.TestItemCollection): void =>
      items.forEach((item) => (titles.has(item) ? prune(item.children) : items.delete(item.id)));
    const file = this.controller.items.get(uri.toString());
    if (titles.size === 0) {
      this.controller.items.delete(uri.toString());
    } else if (file) {
      prune(file.children);
    }
    return titles;
  }

  private child(file: vscode.TestItem, { uri, kind, target }: Run): vscode.TestItem {
    const names = (target ?? '').split('.');
    const id = (name: string) => `${uri}#${kind}:${name}`;
    const parent = kind === 'pytest' ? file.children.get(id(names.slice(0, -1).join('.'))) : undefined;
    const label = kind === 'doctest' ? `doctest ${target ?? ''}` : parent ? names.at(-1) : target;
    const { children } = parent ?? file;
    const item =
      children.get(id(names.join('.'))) ?? this.controller.createTestItem(id(names.join('.')), label ?? '', file.uri);
    children.add(item);
    return item;
  }

  private async run(request: vscode.TestRunRequest, token: vscode.CancellationToken): Promise<void> {
    const run = this.controller.createTestRun(request);
    const server = this.server();
    const { jobs } = server.status;
    const others = new Set(jobs.keys());
    const all = request.include ?? [...this.controller.items].map(([, item]) => item);
    const listeners = [
      server.onLog((text) => run.appendOutput(text.replaceAll(/\r?\n/g, '\r\n'))),
      // Its stop button ends in the sandbox what has begun since.
      token.onCancellationRequested(() =>
        [...jobs].forEach(([job, { title }]) => title === 'Running' && !others.has(job) && void server.cancel(job)),
      ),
    ];
    this.running += 1;
    try {
      for (const item of all.filter((item) => !request.exclude?.includes(item))) {
        await this.runOne(run, item, token);
      }
    } catch (error) {
      void vscode.window.showWarningMessage(`tantu: ${String(error)}`);
    } finally {
      this.running -= 1;
      listeners.forEach((it) => it.dispose());
      run.end();
    }
  }

  private async runOne(run: vscode.TestRun, item: vscode.TestItem, token: vscode.CancellationToken): Promise<void> {
    await this.refresh(item);
    leaves(item).forEach((leaf) => run.started(leaf));
    // A file with nothing but doctests has no run of its own.
    for (const part of token.isCancellationRequested ? [] : this.runs.has(item) ? [item] : leaves(item)) {
      await vscode.commands.executeCommand('tantu.run', this.runs.get(part));
      let titles = await this.refresh(item);
      while (verdict(titles.get(part) ?? '').kind === 'running') {
        await new Promise((resolve) => setTimeout(resolve, PERIOD));
        titles = await this.refresh(item);
      }
      await this.report(run, leaves(part), titles);
    }
  }

  private async report(run: vscode.TestRun, items: readonly vscode.TestItem[], titles: Titles): Promise<void> {
    const uri = items.find((item) => verdict(titles.get(item) ?? '').kind === 'failed')?.uri;
    const failures = uri && (await this.failures(uri, titles));
    for (const item of items) {
      const title = titles.get(item) ?? '';
      this.reported.set(item.id, title);
      const { kind, millis, message } = verdict(title);
      if (kind === 'passed') {
        run.passed(item, millis);
      } else if (kind === 'failed') {
        run.failed(item, failures?.get(item) ?? new vscode.TestMessage(message));
      } else {
        run.skipped(item);
      }
    }
  }

  /** What went wrong in a file, by the test that it belongs to: the last one that begins above it. */
  private async failures(uri: vscode.Uri, titles: Titles): Promise<Map<vscode.TestItem, vscode.TestMessage[]>> {
    // The server has nothing to say of files that are not open.
    await vscode.workspace.openTextDocument(uri);
    const params = { textDocument: { uri: uri.toString() } };
    const { items = [] } = await this.server().request<{ items?: Diagnostic[] }>('textDocument/diagnostic', params);
    const failures = new Map<vscode.TestItem, vscode.TestMessage[]>();
    for (const { message, range, relatedInformation = [] } of items.filter(({ code }) => code === 'test-failed')) {
      const { line, character } = range.start;
      const isAbove = (item: vscode.TestItem) => item.children.size === 0 && (item.range?.start.line ?? 0) <= line;
      const owner = [...titles.keys()].findLast(isAbove);
      // The lines that led there.
      const way = relatedInformation.map(({ location, message }) => {
        const path = vscode.workspace.asRelativePath(vscode.Uri.parse(location.uri, true));
        return `${path}:${location.range.start.line + 1}: ${message}`;
      });
      const text = new vscode.TestMessage([String(message), ...way].join('\n'));
      text.location = new vscode.Location(uri, new vscode.Position(line, character));
      if (owner) {
        failures.set(owner, [...(failures.get(owner) ?? []), text]);
      }
    }
    return failures;
  }
}

function leaves(item: vscode.TestItem): vscode.TestItem[] {
  return item.children.size === 0 ? [item] : [...item.children].flatMap(([, child]) => leaves(child));
}
