//! This crate knows what secrets look like in text: tokens by their form, names that promise a password or a key, and what
//! can be told from a value itself; and which files hold secrets by their names.
//!
//! Two use it on texts, and lean to opposite sides. `lint` reports secrets: a wrong finding teaches people to overlook the next one,
//! so what is not sure is left out. `model` hides them from others: what is missed is given away, so it would rather guess.
//! Both know the same formats and the same words here; how far each goes with them is decided where they are used.
//!
//! Deliberately absent: Python, findings and their wording, placeholders and how they are put back, and anything that
//! keeps, prints or sends a secret.

mod confidence;
mod embedded;
pub mod files;
pub mod formats;
pub mod grammar;
pub mod names;
mod pem;
pub mod promises;
pub mod values;

pub use confidence::Confidence;
pub use embedded::{URL, connection_password, header_credentials, url_password};
pub use formats::Format;
