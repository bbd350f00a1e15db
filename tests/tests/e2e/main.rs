//! Sessions with the real server, as an editor has them. Every session's messages are checked against the protocol when
//! it ends (see `tests::client`).

mod agents;
mod assists;
mod bad_input;
mod client_settings;
mod consult;
mod emacs;
mod findings;
mod front_ends;
mod gate;
mod integrations;
mod libraries;
mod lint;
mod manual;
mod navigation;
mod neovim;
mod programs;
mod proposal;
mod proposal_life;
mod proposal_tasks;
mod protocol;
mod providers;
mod refactoring;
mod sandbox;
mod vscode;
