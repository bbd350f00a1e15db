// A picture of what calls the definition under the cursor and what it calls, which follows the cursor.
import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import { atCursor, inform, orWarn } from './commands';
import { toUri } from './places';
import type { Server } from './server';

/** The answer to `tantu.graph`: a name, and a picture in which each definition is a link to its line. */
interface Drawing {
  symbol: string;
  svg: string;
}

/** How long the cursor has to rest, in milliseconds. */
const REST = 200;

export function register(server: Server): vscode.Disposable[] {
  let panel: vscode.WebviewPanel | undefined;
  let timer: NodeJS.Timeout | undefined;
  let shown: string | undefined;

  /** Whether there is something to draw at the cursor. */
  const draw = async (): Promise<boolean> => {
    const drawing = await atCursor<Drawing | null>(server, 'tantu.graph', { show: false });
    if (panel && drawing && drawing.svg !== shown) {
      shown = drawing.svg;
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
      webview.onDidReceiveMessage((link: string | null) => (link ? open(toUri(link)) : webview.postMessage(shown)));
      webview.html = page();
    }
    if (!(await draw())) {
      await inform('there is no definition at the cursor; move it, the picture follows');
    }
  };

  return [
    vscode.commands.registerCommand('tantu.showGraph', () => orWarn(show)),
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

/** Opens what a link such as `file:///a.py#L3` leads to. */
async function open(link: vscode.Uri): Promise<void> {
  const line = Number(link.fragment.slice(1)) - 1;
  const selection = new vscode.Range(line, 0, line, 0);
  await vscode.window.showTextDocument(link.with({ fragment: '' }), { selection, viewColumn: vscode.ViewColumn.One });
}

/** Shows the drawings that it is sent, in the editor's colours. */
function page(): string {
  const nonce = randomBytes(16).toString('hex');
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-${nonce}'`;
  return `<!DOCTYPE html><html lang="en"><head><meta http-equiv="Content-Security-Policy" content="${policy}"><style>
svg { background: none !important }
text { fill: var(--vscode-editor-foreground) !important }
rect { fill: var(--vscode-editorWidget-background) !important; stroke: var(--vscode-editorWidget-border, #8a94a3) !important }
.cycle rect { stroke: var(--vscode-editorError-foreground, #c62828) !important }
a:focus rect, a:hover rect { stroke: var(--vscode-focusBorder) !important }
[aria-current] rect { fill: var(--vscode-editor-selectionBackground) !important }
</style></head><body><script nonce="${nonce}">
const editor = acquireVsCodeApi();
window.addEventListener('message', ({ data }) => {
  document.body.innerHTML = data ?? '';
  document.querySelector('[aria-current]')?.scrollIntoView({ block: 'center', inline: 'center' });
});
document.addEventListener('click', (event) => {
  const link = event.target.closest('a');
  if (link) {
    event.preventDefault();
    editor.postMessage(link.href.baseVal);
  }
});
editor.postMessage(null);
</script></body></html>`;
}
