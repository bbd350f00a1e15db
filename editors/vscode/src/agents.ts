// Offers the tools for agents to those that VS Code runs itself. Forks lack the interface, and older versions, too.
import * as vscode from 'vscode';

/** What is used of it; older typings do not have it. */
interface Offering {
  registerMcpServerDefinitionProvider?(
    id: string,
    provider: { provideMcpServerDefinitions(): vscode.ProviderResult<unknown[]> },
  ): vscode.Disposable;
}

type Definition = new (label: string, command: string, args: string[]) => unknown;

/** One server for each workspace folder, which asks the language server that is running there. */
export function offer(command: () => string | undefined): vscode.Disposable[] {
  const languageModels = (vscode as unknown as { lm?: Offering }).lm;
  const Stdio = (vscode as unknown as { McpStdioServerDefinition?: Definition }).McpStdioServerDefinition;
  if (!languageModels?.registerMcpServerDefinitionProvider || !Stdio) {
    return [];
  }
  return [
    languageModels.registerMcpServerDefinitionProvider('tantu', {
      provideMcpServerDefinitions: () => {
        const program = command();
        const folders = program ? (vscode.workspace.workspaceFolders ?? []) : [];
        return folders
          .filter((folder) => folder.uri.scheme === 'file')
          .map((folder) => new Stdio(`tantu (${folder.name})`, program ?? '', ['mcp', '--root', folder.uri.fsPath]));
      },
    }),
  ];
}
