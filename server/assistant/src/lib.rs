//! This crate is everything between a request and a checked proposal: what a model is shown, the one way to the models, the loop
//! from question to answer to check, what is remembered of it, and the questions whose answer is no edit.
//!
//! Whoever asks (an editor, a terminal) is a [`ProposalHost`](runner::ProposalHost). What is never sent is no part of a
//! [`Context`](context::Context) made here. Deliberately absent: protocols, printing, checks (`validate`) and providers
//! (`model`).

pub mod abandoned;
pub mod client;
pub mod commit_message;
pub mod consent;
pub mod contexts;
pub mod edits;
pub mod evidence;
pub mod executor;
pub mod explain;
pub mod include;
pub mod memory;
mod pdfs;
pub mod prose_embeddings;
pub mod review;
pub mod runner;
pub mod snippets;
pub mod traceback;
