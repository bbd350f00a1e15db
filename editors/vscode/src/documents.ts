// Documents that the server shows: Markdown is rendered, and what is proposed is compared with what is there.
import * as fs from 'node:fs';
import * as path from 'node:path';
import * as vscode from 'vscode';
import type { ShowDocumentParams } from 'vscode-languageclient/node';
import { toUri } from './places';

const SCHEME = 'tantu';

/** `tantu/diff`: the texts of files as they would be. */
export interface Comparison {
  title: string;
  files: { uri: string; text: string }[];
}

export class Documents implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly texts = new Map<string, string>();
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  private readonly registration = vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);
  readonly onDidChange = this.changed.event;

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.path) ?? '';
  }

  /** Shows Markdown rendered; says whether it was. */
  async show({ uri, external }: ShowDocumentParams): Promise<boolean> {
    const file = toUri(uri);
    if (file.scheme !== 'file' || external || !file.path.endsWith('.md')) {
      return false;
    }
    // The server's own file goes away when the question is answered.
    const text = fs.readFileSync(file.fsPath, 'utf8');
    await vscode.commands.executeCommand('markdown.showPreview', this.keep(`/${path.basename(file.path)}`, text));
    return true;
  }

  async compare({ title, files }: Comparison): Promise<null> {
    const pairs = files.map(({ uri, text }) => {
      const file = toUri(uri);
      // The same path as before, or it would look renamed.
      const after = this.keep(file.path, text);
      return [after, fs.existsSync(file.fsPath) ? file : this.keep('/nothing', ''), after] as const;
    });
    const [[, before, after] = []] = pairs;
    await (pairs.length > 1
      ? vscode.commands.executeCommand('vscode.changes', title, pairs)
      : vscode.commands.executeCommand('vscode.diff', before, after, `${path.basename(after?.path ?? '')} (proposed)`));
    return null;
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
}
