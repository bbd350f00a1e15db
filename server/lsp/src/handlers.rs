//! One module per feature: parameters → `ide` → the protocol's answer. All of them only read a snapshot.

pub(crate) mod diagnostics;
