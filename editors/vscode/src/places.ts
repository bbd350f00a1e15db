// Places as the protocol writes them, as VS Code's.
import * as vscode from 'vscode';
import type { Location, Position, Range } from 'vscode-languageclient/node';

export const toPosition = ({ line, character }: Position) => new vscode.Position(line, character);
export const toRange = ({ start, end }: Range) => new vscode.Range(toPosition(start), toPosition(end));
export const toUri = (uri: string) => vscode.Uri.parse(uri, true);
export const toLocation = ({ uri, range }: Location) => new vscode.Location(toUri(uri), toRange(range));
