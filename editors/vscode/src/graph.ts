// A picture of what calls the definition under the cursor and what it calls, which follows the cursor.
import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import { command, inform } from './commands';

/** The answer to `tantu.graph`. */
interface Drawing {
  symbol: string;
  svg: string;
}

/** How long the cursor has to rest, in milliseconds. */
const REST = 200;

export function register(): vscode.Disposable[] {
  let panel: vscode.WebviewPanel | undefined;
  let timer: NodeJS.Timeout | undefined;
  let shown: Drawing | undefined;

  /** Whether there is something to draw at the cursor. */
  const draw = async (): Promise<boolean> => {
    const editor = vscode.window.activeTextEditor;
    if (editor?.document.languageId !== 'python') {
      return false;
    }
    const textDocument = { uri: editor.document.uri.toString() };
    const argument = { textDocument, position: editor.selection.active, depth: 2 };
    const drawing = await vscode.commands.executeCommand<Drawing | null>('tantu.graph', argument);
    if (panel && drawing && drawing.svg !== shown?.svg) {
      shown = drawing;
      panel.title = drawing.symbol;
      await panel.webview.postMessage(shown);
    }
    return drawing !== null;
  };

  const show = async () => {
    if (panel) {
      panel.reveal(undefined, true);
    } else {
      const beside = { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true };
      panel = vscode.window.createWebviewPanel('tantu.graph', 'Call graph', beside, { enableScripts: true });
      const { webview } = panel;
      panel.onDidDispose(() => ([panel, shown] = [undefined, undefined]));
      // A page that was hidden begins anew.
      webview.onDidReceiveMessage((name: string | null) => (name === null ? webview.postMessage(shown) : open(name)));
      webview.html = page();
    }
    if (!(await draw())) {
      await inform('there is no definition at the cursor; move it, the picture follows');
    }
  };

  return [
    command('tantu.showGraph', show),
    vscode.window.onDidChangeTextEditorSelection(() => {
      clearTimeout(timer);
      if (panel?.visible) {
        // What does not work now may work at the next place; the log tells what the server answered.
        timer = setTimeout(() => void draw().catch(() => false), REST);
      }
    }),
    { dispose: () => (clearTimeout(timer), panel?.dispose()) },
  ];
}

/** Opens the definition with a qualified name. */
async function open(name: string): Promise<void> {
  const query = name.slice(name.lastIndexOf('.') + 1);
  const search = 'vscode.executeWorkspaceSymbolProvider';
  const found = await vscode.commands.executeCommand<vscode.SymbolInformation[]>(search, query);
  const exact = found.filter((it) => it.name === query || it.name.endsWith(`.${query}`));
  const best = exact.find((it) => `${it.containerName}.${it.name}`.endsWith(name)) ?? exact[0];
  if (best) {
    const { uri, range } = best.location;
    const selection = new vscode.Range(range.start, range.start);
    await vscode.window.showTextDocument(uri, { selection, viewColumn: vscode.ViewColumn.One });
  }
}

/** Shows the drawings that it is sent in the editor's colours, each definition a link that the keyboard reaches. */
function page(): string {
  const nonce = randomBytes(16).toString('hex');
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-${nonce}'`;
  return `<!DOCTYPE html><html lang="en"><head><meta http-equiv="Content-Security-Policy" content="${policy}"><style>
svg { background: none !important }
text { fill: var(--vscode-editor-foreground) !important }
rect { fill: var(--vscode-editorWidget-background) !important; stroke: var(--vscode-editorWidget-border, #8a94a3) !important }
.cycle rect { stroke: var(--vscode-editorError-foreground, #c62828) !important }
g[role] { cursor: pointer }
g[role]:focus { outline: none }
g[role]:focus rect, g[role]:hover rect { stroke: var(--vscode-focusBorder) !important; stroke-width: 2 }
g[aria-current] rect { fill: var(--vscode-editor-selectionBackground) !important }
</style></head><body><script nonce="${nonce}">
const editor = acquireVsCodeApi();
window.addEventListener('message', ({ data }) => {
  document.body.innerHTML = data?.svg ?? '';
  for (const node of document.querySelectorAll('svg > g')) {
    const name = node.querySelector('title')?.textContent.split(':')[0];
    node.setAttribute('tabindex', '0');
    node.setAttribute('role', 'link');
    node.setAttribute('aria-label', name);
    if (name === data.symbol) {
      node.setAttribute('aria-current', 'true');
      node.scrollIntoView({ block: 'center', inline: 'center' });
    }
    node.addEventListener('click', () => editor.postMessage(name));
    node.addEventListener('keydown', (event) => event.key === 'Enter' && editor.postMessage(name));
  }
});
editor.postMessage(null);
</script></body></html>`;
}
