//! Connections: CPython's own tests under their names, and bytes as messages. See
//! `tests/guests/src/connections.rs`.

use isopod_tests::succeeds;

/// Runs a scenario that must succeed and returns its standard output.
fn output(scenario: &str) -> String {
    succeeds(scenario).stdout
}

#[test]
fn connection_test_connection() {
    assert_eq!(
        output("Connection.test_connection"),
        "message of 110 bytes is larger than the buffer of 40 bytes\n\
         message of 11 bytes is larger than the maximum of 10 bytes\n"
    );
}

#[test]
fn connection_test_spawn_close() {
    output("Connection.test_spawn_close");
}

#[test]
fn poll_test_boundaries() {
    output("Poll.test_boundaries");
}

#[test]
fn bytes_are_messages() {
    assert_eq!(
        output("bytes"),
        "a message with handles (1) was received as bytes: it is lost\n"
    );
}
