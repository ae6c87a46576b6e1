//! A plugin of about 2.5 MB, like one with libraries: code that the compiler makes for many types.

use std::collections::{BTreeMap, HashMap};
use std::hint::black_box;

isopod::plugin!();

/// The input.
#[isopod::function]
fn echo(input: Vec<u8>) -> Vec<u8> {
    input
}

/// Runs all of it.
#[isopod::function]
fn everything(input: Vec<u8>) -> String {
    let mut told = String::new();
    macro_rules! each {
        ($($size:literal)*) => { $( told += &of_size::<$size>(&input); )* };
    }
    each!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30);
    each!(31 32 33 34 35 36 37);
    told
}

/// Sorts, counts and indexes the pieces of this size.
#[inline(never)]
fn of_size<const SIZE: usize>(input: &[u8]) -> String {
    let mut pieces: Vec<[u8; SIZE]> = input.as_chunks::<SIZE>().0.to_vec();
    pieces.sort();
    let mut counts: HashMap<[u8; SIZE], u32> = HashMap::new();
    let mut places: BTreeMap<[u8; SIZE], Vec<usize>> = BTreeMap::new();
    for (place, piece) in pieces.iter().enumerate() {
        *counts.entry(*piece).or_default() += 1;
        places.entry(*piece).or_default().push(place);
    }
    pieces.sort_unstable_by(|one, other| counts[one].cmp(&counts[other]));
    pieces.dedup();
    while places.len() > 4 {
        places.pop_first();
    }
    places.retain(|_, found| black_box(found.len()) > 1);
    format!("{pieces:?} {places:?}\n")
}
