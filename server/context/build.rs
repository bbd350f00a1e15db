//! Writes the vocabulary of `o200k_base` in a form that needs no loading: what `tiktoken-rs` builds at every start takes a
//! tenth of a second and tens of megabytes.

#[path = "src/tokens/layout.rs"]
mod layout;

use std::path::Path;
use std::{env, fs};

use layout::{RANK_BITS, SLOTS, hash, slot, tag};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/tokens/layout.rs");
    let vocabulary = tiktoken_rs::o200k_base()?;
    // Ranks have no gaps; after the last comes one that cannot be decoded, or a special token.
    let tokens: Vec<Vec<u8>> = (0..).map_while(|rank| vocabulary.decode_bytes(&[rank]).ok()).collect();
    let tokens = &tokens[..tokens.iter().position(|token| token.starts_with(b"<|endof")).unwrap_or(tokens.len())];
    assert!(tokens.len() < (1 << RANK_BITS) - 1, "a rank and its tag share four bytes");

    let mut slots = vec![0u32; SLOTS];
    for (rank, token) in tokens.iter().enumerate() {
        let hash = hash(token);
        let mut at = slot(hash);
        while slots[at] != 0 {
            at = (at + 1) % SLOTS;
        }
        slots[at] = tag(hash) << RANK_BITS | u32::try_from(rank + 1)?;
    }
    let mut file = Vec::new();
    let mut put = |number: u32| file.extend(number.to_le_bytes());
    put(u32::try_from(tokens.len())?);
    let mut start = 0;
    for token in tokens {
        put(start);
        start += u32::try_from(token.len())?;
    }
    put(start);
    slots.into_iter().for_each(put);
    tokens.iter().for_each(|token| file.extend(token));
    fs::write(Path::new(&env::var("OUT_DIR")?).join("o200k_base.bin"), file)?;
    Ok(())
}
