//! Programs that must not compile, and what the compiler says of them.
//!
//! `TRYBUILD=overwrite cargo test -p isopod --test compile` writes the expected texts anew.

#[test]
fn programs_compile_or_are_refused_with_a_clear_text() {
    let cases = trybuild::TestCases::new();
    // Also makes trybuild build the cases, not only check them: a capture is found when a task's
    // code is made.
    cases.pass("tests/compile/pass/*.rs");
    cases.compile_fail("tests/compile/fail/*.rs");
}
