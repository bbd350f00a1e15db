//! The vocabulary of `o200k_base`, and byte-pair encoding with it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::layout::{RANK_BITS, SLOTS, hash, slot, tag};

/// Written by the build script.
static FILE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/o200k_base.bin"));

/// Number `index` of the file.
fn number(index: usize) -> u32 {
    let at = 4 * index;
    u32::from_le_bytes([FILE[at], FILE[at + 1], FILE[at + 2], FILE[at + 3]])
}

/// The rank of the token with these bytes: which pair of tokens is merged first.
fn rank(bytes: &[u8]) -> Option<u32> {
    let tokens = number(0) as usize;
    let slots = tokens + 2;
    let texts = 4 * (slots + SLOTS);
    let hash = hash(bytes);
    let (mut at, tag) = (slot(hash), tag(hash));
    loop {
        let found = number(slots + at);
        if found == 0 {
            return None;
        }
        if found >> RANK_BITS == tag {
            let rank = (found & ((1 << RANK_BITS) - 1)) - 1;
            let start = number(1 + rank as usize) as usize;
            let end = number(2 + rank as usize) as usize;
            if FILE[texts + start..texts + end] == *bytes {
                return Some(rank);
            }
        }
        at = (at + 1) % SLOTS;
    }
}

/// Where there is no part.
const NOWHERE: usize = usize::MAX;

/// A part of a word: where it ends, which is where the next begins, and where the one before begins.
#[derive(Clone, Copy)]
struct Part {
    before: usize,
    end: usize,
    /// Of this part and the next together.
    rank: Option<u32>,
}

/// How many tokens a word is: of all neighbouring parts whose bytes together are a token, those of the lowest rank are
/// joined, the first of equals, as long as there are any. At the beginning every byte is a part.
pub(super) fn count(word: &[u8]) -> usize {
    if word.len() < 2 || rank(word).is_some() {
        return word.len().min(1);
    }
    let mut heap = BinaryHeap::with_capacity(word.len());
    let mut parts: Vec<Part> = Vec::with_capacity(word.len());
    for start in 0..word.len() {
        let rank = word.get(start..start + 2).and_then(rank);
        heap.extend(rank.map(|rank| Reverse((rank, start))));
        parts.push(Part { before: start.checked_sub(1).unwrap_or(NOWHERE), end: start + 1, rank });
    }
    let mut count = word.len();
    while let Some(Reverse((lowest, start))) = heap.pop() {
        let Part { before, end: middle, rank: current } = parts[start];
        // What is in the heap may be out of date.
        if current != Some(lowest) {
            continue;
        }
        count -= 1;
        let end = parts[middle].end;
        parts[middle].rank = None;
        parts[start].end = end;
        if let Some(next) = parts.get_mut(end) {
            next.before = start;
        }
        for start in [before, start] {
            let Some(&Part { end, .. }) = parts.get(start) else { continue };
            let joined = parts.get(end).and_then(|next| rank(&word[start..next.end]));
            parts[start].rank = joined;
            heap.extend(joined.map(|rank| Reverse((rank, start))));
        }
    }
    count
}
