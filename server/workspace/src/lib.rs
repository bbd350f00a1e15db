//! This crate is the living workspace, whoever asks: it owns the documents and the graph's writer, reads and watches the disk,
//! keeps what was learned, and answers with immutable snapshots.
//!
//! Everything that changes goes through one [`Mailbox`](mailbox::Mailbox) to one [`Writer`](writer::Writer); whoever reads has a
//! [`Snapshot`](snapshot::Snapshot). Deliberately absent: protocols and editors (URIs, positions, messages), running anything,
//! and models.

pub mod advisories;
pub mod background;
pub mod cache;
pub mod config_findings;
pub mod diagnostics;
pub mod documents;
mod flow;
pub mod folders;
pub mod lints;
mod loader;
pub mod mailbox;
pub mod observer;
pub mod persistence;
pub mod priority;
pub mod progress;
pub mod project;
pub mod results;
pub mod reviews;
pub mod revision;
pub mod settings;
pub mod snapshot;
pub mod symbol_key;
mod watch;
pub mod writer;
