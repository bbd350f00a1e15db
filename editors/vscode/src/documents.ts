// Documents that the server shows: Markdown is rendered, and a diff is opened beside the text that it changes.
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import * as vscode from 'vscode';
import type { ShowDocumentParams } from 'vscode-languageclient/node';
import { apply, parse } from './patch';

const SCHEME = 'tantu';

export class Documents implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly texts = new Map<string, string>();
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  private readonly registration = vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);
  readonly onDidChange = this.changed.event;

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.path) ?? '';
  }

  /** Shows what is better shown in a way of our own; says whether it was. */
  async show({ uri, external }: ShowDocumentParams): Promise<boolean> {
    const file = vscode.Uri.parse(uri, true);
    const name = path.basename(file.path);
    if (file.scheme !== 'file' || external || !/\.(md|diff)$/.test(name)) {
      return false;
    }
    // The server's own file goes away when the question is answered.
    const text = await fs.readFile(file.fsPath, 'utf8');
    if (name.endsWith('.diff')) {
      return this.compare(text);
    }
    await vscode.commands.executeCommand('markdown.showPreview', this.keep(`/${name}`, text));
    return true;
  }

  dispose(): void {
    this.registration.dispose();
    this.changed.dispose();
  }

  private keep(path: string, text: string): vscode.Uri {
    const uri = vscode.Uri.from({ scheme: SCHEME, path });
    this.texts.set(path, text);
    this.changed.fire(uri);
    return uri;
  }

  /** False when the diff does not fit the texts as they are now; then it is better shown as it is. */
  private async compare(diff: string): Promise<boolean> {
    const pairs: [label: vscode.Uri, before: vscode.Uri | undefined, after: vscode.Uri][] = [];
    for (const patch of parse(diff)) {
      const file = await inWorkspace(patch.path);
      const before = file && (await vscode.workspace.openTextDocument(file)).getText();
      const after = apply(before ?? '', patch);
      if (after === undefined) {
        return false;
      }
      // The same path as before, or it would look renamed.
      const proposed = this.keep(file?.path ?? `/${patch.path}`, after);
      pairs.push([proposed, file, proposed]);
    }
    const [first] = pairs;
    if (first && pairs.length === 1) {
      const [label, before = this.keep('/nothing', ''), after] = first;
      const title = `${path.basename(label.path)} (proposed)`;
      await vscode.commands.executeCommand('vscode.diff', before, after, title, { preview: true });
    } else if (first) {
      await vscode.commands.executeCommand('vscode.changes', 'Proposed changes', pairs);
    }
    return first !== undefined;
  }
}

async function inWorkspace(name: string): Promise<vscode.Uri | undefined> {
  for (const { uri } of vscode.workspace.workspaceFolders ?? []) {
    const file = vscode.Uri.joinPath(uri, name);
    const isThere = await fs.stat(file.fsPath).then(
      (it) => it.isFile(),
      () => false,
    );
    if (isThere) {
      return file;
    }
  }
  return undefined;
}
