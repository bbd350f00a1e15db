//! The same in real Emacs, with eglot as it comes and nothing of ours. The script is in `emacs/`.

use std::path::Path;

use tests::wire::Direction;
use tests::workspace::{Home, Workspace};

#[test]
fn findings_hover_references_and_rename() {
    let workspace = Workspace::fixture("shop");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/emacs/session.el");
    let session = tests::emacs::run(&script, Path::new(env!("CARGO_BIN_EXE_tee-lsp")), &workspace, &Home::new());
    let sent = |method: &str| {
        session.iter().filter(|it| it.direction == Direction::ToServer && it.message["method"] == method).count()
    };
    // It ends the process right after `exit`, which may be too soon for the log.
    assert_eq!((sent("textDocument/rename"), sent("shutdown")), (1, 1));
}
