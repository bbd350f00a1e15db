//! What the test editor says it can do.

use serde_json::{Value, json};

/// An editor that supports all of what the server may use by the standard: push diagnostics, versioned edits,
/// cancellable progress, questions, watched files. Pull diagnostics are off, as an editor that pulls is not pushed to.
pub fn editor(encodings: &[&str]) -> Value {
    json!({
        "general": { "positionEncodings": encodings },
        "window": {
            "workDoneProgress": true,
            "showMessage": { "messageActionItem": { "additionalPropertiesSupport": false } },
            "showDocument": { "support": true },
        },
        "workspace": {
            "applyEdit": true,
            "workspaceEdit": {
                "documentChanges": true,
                "resourceOperations": ["create", "rename", "delete"],
                "failureHandling": "abort",
            },
            "configuration": true,
            "workspaceFolders": true,
            "symbol": {},
            "executeCommand": {},
            "didChangeConfiguration": { "dynamicRegistration": true },
            "didChangeWatchedFiles": { "dynamicRegistration": true, "relativePatternSupport": true },
            "codeLens": { "refreshSupport": true },
            "fileOperations": { "willRename": true, "didRename": true },
        },
        "textDocument": {
            "synchronization": { "didSave": true },
            "hover": { "contentFormat": ["markdown", "plaintext"] },
            "definition": {},
            "implementation": {},
            "references": {},
            "documentHighlight": {},
            "documentSymbol": { "hierarchicalDocumentSymbolSupport": true },
            "callHierarchy": {},
            "typeHierarchy": {},
            "codeLens": { "resolveSupport": { "properties": ["command"] } },
            "codeAction": {
                "codeActionLiteralSupport": {
                    "codeActionKind": { "valueSet": ["", "quickfix", "refactor", "refactor.rewrite", "source"] },
                },
                "isPreferredSupport": true,
                "disabledSupport": true,
                "dataSupport": true,
                "resolveSupport": { "properties": ["edit"] },
            },
            "rename": { "prepareSupport": true },
            "publishDiagnostics": {
                "versionSupport": true,
                "relatedInformation": true,
                "codeDescriptionSupport": true,
                "dataSupport": true,
                "tagSupport": { "valueSet": [1, 2] },
            },
        },
    })
}
