// Documents that the server shows: Markdown is rendered, and a diff is opened beside the text that it changes.
import * as fs from 'node:fs';
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
    if (file.scheme !== 'file' || external || !/\.(md|diff)$/.test(file.path)) {
      return false;
    }
    // The server's own file goes away when the question is answered.
    const text = fs.readFileSync(file.fsPath, 'utf8');
    if (file.path.endsWith('.diff')) {
      return this.compare(text);
    }
    await vscode.commands.executeCommand('markdown.showPreview', this.keep(`/${path.basename(file.path)}`, text));
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
    const pairs: [label: vscode.Uri, before: vscode.Uri, after: vscode.Uri][] = [];
    for (const patch of parse(diff)) {
      const folders = vscode.workspace.workspaceFolders ?? [];
      const file = folders
        .map(({ uri }) => vscode.Uri.joinPath(uri, patch.path))
        .find((it) => fs.existsSync(it.fsPath));
      const after = apply(file ? (await vscode.workspace.openTextDocument(file)).getText() : '', patch);
      if (after === undefined) {
        return false;
      }
      // The same path as before, or it would look renamed.
      const proposed = this.keep(file?.path ?? `/${patch.path}`, after);
      pairs.push([proposed, file ?? this.keep('/nothing', ''), proposed]);
    }
    const [[label, before, after] = []] = pairs;
    await (pairs.length > 1
      ? vscode.commands.executeCommand('vscode.changes', 'Proposed changes', pairs)
      : vscode.commands.executeCommand('vscode.diff', before, after, `${path.basename(label?.path ?? '')} (proposed)`));
    return true;
  }
}
