//! This crate is the way to files that anybody may have put where they are: it reads without waiting and without end,
//! knows what `.gitignore` files leave out, and writes nowhere but below a given folder.
//!
//! Deliberately absent: what the files mean. Which of them are Python is `graph`'s business, what may be sent to a model
//! is `model`'s.

mod ignored;
mod read;
mod replace;

pub use ignored::IgnoreRules;
pub use read::{
    MAX_CONFIGURATION_BYTES, ReadError, is_readable_configuration, open_file, read_beginning, read_bytes,
    read_configuration,
};
pub use replace::{Obstacle, Replacement, obstacle, replace};
