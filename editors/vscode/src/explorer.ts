// The Test Explorer: which tests there are and what has come of them is what the server tells, whoever has run them.
import * as vscode from 'vscode';
import type { Location, Range } from 'vscode-languageclient/node';
import { orWarn } from './commands';
import { toLocation, toRange, toUri } from './places';
import type { Server } from './server';

/** The argument of `tantu.run`. */
interface Target {
  uri: string;
  kind: string;
  target: string | null;
}

/** `tantu/tests`: all the tests of a file. */
export interface Tests {
  uri: string;
  tests: (Omit<Target, 'uri'> & { range: Range; outdated?: boolean })[];
}

interface Result extends Target {
  outcome: 'passed' | 'failed' | 'errored' | 'skipped';
  millis: number;
  messages: { message: string; location?: Location }[];
}

/** `tantu/run`: what happens to a run. */
export type News = { token: string } & (
  ({ state: 'began' } & Target) | { state: 'wrote'; text: string } | { state: 'ended'; tests: Result[] }
);

/** `tantu/coverage`: lines from 0 of what a run has executed, before it ends. */
export interface Coverage {
  token: string;
  files: Lines[];
}

interface Lines {
  uri: string;
  statements: number[];
  missed: number[];
}

/** A file's coverage, with what is drawn beside its lines. */
class Covered extends vscode.FileCoverage {
  readonly details: vscode.StatementCoverage[];

  constructor({ uri, statements, missed }: Lines) {
    const open = new Set(missed);
    const all = statements.length;
    super(toUri(uri), new vscode.TestCoverageCount(all - open.size, all));
    this.details = statements.map(
      (line) => new vscode.StatementCoverage(!open.has(line), new vscode.Position(line, 0)),
    );
  }
}

/** A run, and what is to be done at its end. */
interface Following {
  run: vscode.TestRun;
  end: () => void;
  /** What has been executed so far, by file: several runs of the server may be one here. */
  covered?: Map<string, Lines>;
}

export class Explorer implements vscode.Disposable {
  private readonly controller = vscode.tests.createTestController('tantu', 'tantu');
  private readonly targets = new WeakMap<vscode.TestItem, Target>();
  /** Of each file the items by kind and target. */
  private readonly files = new Map<string, Map<string, vscode.TestItem>>();
  /** What somebody has asked for here and the server has not begun, by the item's id. */
  private readonly asked = new Map<string, Following>();
  /** What the server runs, by its token. */
  private readonly running = new Map<string, Following>();

  constructor(private readonly server: () => Server) {
    const { Run, Coverage } = vscode.TestRunProfileKind;
    const profile = (label: string, kind: vscode.TestRunProfileKind) =>
      this.controller.createRunProfile(
        label,
        kind,
        (request, token) => this.run(request, token, kind === Coverage),
        true,
      );
    profile('Run in the sandbox', Run);
    profile('Run in the sandbox with coverage', Coverage).loadDetailedCoverage = (_, file) =>
      Promise.resolve(file instanceof Covered ? file.details : []);
  }

  /** Takes in what tests a file has. */
  list({ uri, tests }: Tests): void {
    const where = toUri(uri);
    const create = (id: string, label: string) => this.controller.createTestItem(id, label, where);
    const file = create(String(where), vscode.workspace.asRelativePath(where));
    const items = new Map<string, vscode.TestItem>();
    for (const { kind, target, range } of tests) {
      const names = target?.split('.') ?? [];
      const parent = kind === 'pytest' ? items.get(key({ kind, target: names.slice(0, -1).join('.') })) : undefined;
      const label = kind === 'doctest' ? `doctest ${target ?? ''}`.trim() : names.at(-1);
      const item = label ? create(`${file.id}#${key({ kind, target })}`, label) : file;
      item.range = toRange(range);
      if (item !== file) {
        (parent ?? file).children.add(item);
      }
      items.set(key({ kind, target }), item);
      this.targets.set(item, { uri, kind, target });
    }
    this.files.set(file.id, items);
    if (tests.length > 0) {
      this.controller.items.add(file);
      const outdated = tests.filter((it) => it.outdated).flatMap((it) => items.get(key(it)) ?? []);
      this.controller.invalidateTestResults(outdated);
    } else {
      this.controller.items.delete(file.id);
    }
  }

  /** Takes in what has happened to a run. */
  follow(news: News): void {
    const following = this.running.get(news.token);
    if (news.state === 'began') {
      this.begin(news);
    } else if (news.state === 'wrote') {
      following?.run.appendOutput(news.text.replaceAll(/\r?\n/g, '\r\n'));
    } else if (following) {
      news.tests.forEach((result) => this.report(following.run, result));
      this.running.delete(news.token);
      following.end();
    }
  }

  /** Takes in what a run has executed. */
  cover({ token, files }: Coverage): void {
    const covered = this.running.get(token)?.covered;
    for (const file of files) {
      const before = covered?.get(file.uri);
      const missed = before ? file.missed.filter((line) => before.missed.includes(line)) : file.missed;
      covered?.set(file.uri, { ...file, missed });
    }
  }

  /** The server is another one: it tells anew which tests there are, and nothing more of what it ran. */
  clear(): void {
    this.controller.items.replace([]);
    [...this.asked.values(), ...this.running.values()].forEach(({ end }) => end());
    [this.asked, this.running, this.files].forEach((it) => it.clear());
  }

  dispose(): void {
    this.controller.dispose();
  }

  private begin({ token, ...target }: Target & { token: string }): void {
    const item = this.find(target);
    // Scripts and cells are no tests.
    if (!item && target.kind !== 'affected') {
      return;
    }
    const asked = item && this.asked.get(item.id);
    const run = asked?.run ?? this.controller.createTestRun(new vscode.TestRunRequest(item ? [item] : []));
    run.token.onCancellationRequested(() => void this.server().notify('window/workDoneProgress/cancel', { token }));
    this.running.set(token, asked ?? { run, end: () => run.end() });
    if (item) {
      this.asked.delete(item.id);
      leaves(item).forEach((leaf) => run.started(leaf));
    }
  }

  private report(run: vscode.TestRun, result: Result): void {
    const item = this.find(result);
    if (!item) {
      return;
    }
    const messages = result.messages.map(({ message, location }) =>
      Object.assign(new vscode.TestMessage(message), location && { location: toLocation(location) }),
    );
    if (result.outcome === 'passed') {
      run.passed(item, result.millis);
    } else if (result.outcome === 'skipped') {
      run.skipped(item);
    } else {
      run[result.outcome](item, messages, result.millis);
    }
  }

  private find({ uri, kind, target }: Target): vscode.TestItem | undefined {
    return this.files.get(String(toUri(uri)))?.get(key({ kind, target }));
  }

  /** An item as one run, or what is in it: a file with nothing but doctests has no run of its own. */
  private parts(item: vscode.TestItem): vscode.TestItem[] {
    return this.targets.has(item) ? [item] : [...item.children].flatMap(([, child]) => this.parts(child));
  }

  private async run(request: vscode.TestRunRequest, token: vscode.CancellationToken, coverage: boolean): Promise<void> {
    const run = this.controller.createTestRun(request);
    const all = request.include ?? [...this.controller.items].map(([, item]) => item);
    const covered = new Map<string, Lines>();
    const parts = all.filter((item) => !request.exclude?.includes(item)).flatMap((item) => this.parts(item));
    await orWarn(async () => {
      for (const item of parts) {
        if (token.isCancellationRequested) {
          return;
        }
        const ended = new Promise<void>((end) => this.asked.set(item.id, { run, end, covered }));
        await vscode.commands.executeCommand('tantu.run', { ...this.targets.get(item), coverage });
        await ended;
      }
    });
    covered.forEach((file) => run.addCoverage(new Covered(file)));
    run.end();
  }
}

const key = ({ kind, target }: Omit<Target, 'uri'>) => `${kind}:${target ?? ''}`;

function leaves(item: vscode.TestItem): vscode.TestItem[] {
  return item.children.size === 0 ? [item] : [...item.children].flatMap(([, child]) => leaves(child));
}
