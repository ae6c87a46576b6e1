//! The name of a function as it stands in its source.
//!
//! A guest chooses the names of its functions, so reading a name has a bound in time, memory and depth, for
//! every name: a long name is not read, and a reader writes into a buffer that accepts only as much as a
//! report shows. Each reader writes as it reads. One is rustc's, whose repetitions each write something, so
//! that the buffer ends them; the other is [`itanium`](crate::itanium). Readers that build a tree first, as
//! `cpp_demangle` does, try many ways through a name, and a bound on their output does not bound that work.

use crate::bounded::{Bounded, cut};
use crate::itanium;
use std::fmt::Write as _;

/// The longest name of a function, in bytes, without the ellipsis of a name that was cut.
pub const LONGEST_FUNCTION_NAME_BYTES: usize = 400;

/// Longer names are not read, only cut.
const LONGEST_MANGLED_BYTES: usize = 4 << 10;

/// The name as it stands in the source, without the hashes that compilers add. A name that no compiler has
/// mangled stays unchanged. The result has at most [`LONGEST_FUNCTION_NAME_BYTES`] and an ellipsis.
///
/// ```
/// use isopod_text::function_name;
/// assert_eq!(function_name("_ZN7endings3end17h0123456789abcdefE"), "endings::end");
/// assert_eq!(function_name("_Z3addii"), "add(int, int)");
/// assert_eq!(function_name("main"), "main");
/// ```
#[must_use]
pub fn function_name(name: &str) -> String {
    if name.len() <= LONGEST_MANGLED_BYTES {
        let mut output = Bounded::new(LONGEST_FUNCTION_NAME_BYTES);
        if let Ok(rust) = rustc_demangle::try_demangle(name) {
            // An error only says that the buffer is full.
            let _ = write!(output, "{rust:#}");
        } else if !itanium::write(name, &mut output) {
            return cut(name, LONGEST_FUNCTION_NAME_BYTES);
        }
        let text = output.into_text();
        if !text.is_empty() {
            return text;
        }
    }
    cut(name, LONGEST_FUNCTION_NAME_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn names_are_those_of_the_source() {
        for (mangled, name) in [
            ("_ZN7endings3end17h0123456789abcdefE", "endings::end"),
            ("_RNvCsaB3dkfBxyz_7endings3end", "endings::end"),
            ("_Z3addii", "add(int, int)"),
            ("_Z3runv", "run()"),
            (
                "_ZN2js9JSContext3runEPKcRS0_",
                "js::JSContext::run(char const*, js::JSContext&)",
            ),
            ("_ZN3fooC2Ev", "foo::foo()"),
            ("_ZN1a3fooIiED1Ev", "a::foo<int>::~foo()"),
            (
                "_ZNSt6vectorIiSaIiEE9push_backERKi",
                "std::vector<int, std::allocator<int>>::push_back(int const&)",
            ),
            ("_ZNK1a1beqERKS0_", "a::b::operator==(a::b const&)"),
            ("_Z3maxIiET_S0_S0_", "max<int>"),
            ("_ZN12_GLOBAL__N_11fEv.isra.0", "(anonymous namespace)::f()"),
            ("_ZN1aB5cxx111bILb1ELin3EEEvv", "a[abi:cxx11]::b<true, -3>"),
            ("_Z1fPFvvE", "f"),
            ("main", "main"),
            ("_Zwhatever", "_Zwhatever"),
            ("_Z", "_Z"),
            ("_ZN", "_ZN"),
            ("_ZNE", "_ZNE"),
            ("_Z9f", "_Z9f"),
        ] {
            assert_eq!(function_name(mangled), name);
        }
    }

    /// Names whose expansions are far longer than themselves.
    fn bombs() -> Vec<String> {
        let mut bombs = Vec::new();
        // Each level repeats the one before it 16 times.
        let mut nested = "_Z1fN1a1bE".to_owned();
        for level in 0..16 {
            nested.push_str("N1a1bI");
            for _ in 0..16 {
                nested.push_str(&format!("S{level}_"));
            }
            nested.push_str("EE");
        }
        bombs.push(nested);
        bombs.push(format!("_Z1f{}i", "P".repeat(4_000)));
        bombs.push(format!("_Z1f{}i{}", "1aI".repeat(1_000), "E".repeat(1_000)));
        bombs.push(format!("_Z1fI{}E", "J".repeat(4_000)));
        bombs.push(format!("_ZN{}E", "1a".repeat(2_000)));
        bombs.push(format!("_Z1f{}", "K".repeat(4_000)));
        bombs.push("_Z999999999999999999999f".to_owned());
        bombs.push("_Z1fS99999999999999999999_".to_owned());
        // Rust's: tuples that repeat earlier ones, and binders of 2^60 lifetimes.
        let mut tuples = "_RINvC1a1bTaaE".to_owned();
        for _ in 0..200 {
            tuples.push_str("TB8_B8_B8_E");
        }
        tuples.push('E');
        bombs.push(tuples);
        bombs.push("_RINvC1a1bFGzzzzzzzzz_EuE".to_owned());
        bombs.push(format!("_RINvC1a1b{}uE", "R".repeat(4_000)));
        bombs.push(format!("_RNvC1au{}", "9".repeat(4_000)));
        bombs
    }

    #[test]
    fn a_name_costs_what_its_size_allows_whatever_it_stands_for() {
        for bomb in bombs() {
            let begin = Instant::now();
            let name = function_name(&bomb);
            assert!(
                name.len() <= LONGEST_FUNCTION_NAME_BYTES + "...".len(),
                "{bomb}"
            );
            // Each takes microseconds; a reader without a bound takes hours.
            assert!(begin.elapsed() < Duration::from_secs(5), "{bomb}");
        }
    }

    #[test]
    fn a_name_of_a_mebibyte_is_cut() {
        for name in [
            "\u{e9}".repeat(1 << 19),
            format!("_ZN{}E", "1a".repeat(1 << 19)),
        ] {
            let cut = function_name(&name);
            assert_eq!(cut.len(), LONGEST_FUNCTION_NAME_BYTES + "...".len());
        }
    }
}
