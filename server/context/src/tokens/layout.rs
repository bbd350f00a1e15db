//! How the vocabulary lies in its file, for the build script that writes it and the code that reads it.
//!
//! All numbers are little-endian and four bytes long. First the number of tokens; then, for each token and once more for
//! the end, where its bytes begin; then [`SLOTS`] slots of a hash table; then the bytes of all tokens. A token's rank is
//! its place. A slot holds the rank plus one in its lower bits and [`tag`] above them, or zero; a token is in the first
//! free slot from its hash on.

pub const SLOTS: usize = 1 << 19;
pub const RANK_BITS: u32 = 18;

/// FNV-1a, stirred once more, because its lower bits are what counts.
pub fn hash(bytes: &[u8]) -> u64 {
    let hash = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

pub fn slot(hash: u64) -> usize {
    (hash >> 45) as usize & (SLOTS - 1)
}

/// Tells most tokens in neighbouring slots apart without a look at their bytes.
pub fn tag(hash: u64) -> u32 {
    hash as u32 >> RANK_BITS
}
