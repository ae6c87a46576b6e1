//! Programs that must not compile, and the compiler's messages for them.
//!
//! `TRYBUILD=overwrite cargo test -p isopod --test compile` writes the expected texts again.

#[test]
fn programs_compile_or_are_refused_with_a_clear_text() {
    let cases = trybuild::TestCases::new();
    // This also makes trybuild build the cases instead of only checking them: the compiler finds a capture
    // only when it generates a task's code.
    cases.pass("tests/compile/pass/*.rs");
    cases.compile_fail("tests/compile/fail/*.rs");
}
