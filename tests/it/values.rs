//! Shared values and arrays: CPython's own tests under their names, and the atomic operations. See
//! `tests/guests/src/values.rs`.

use isopod_tests::succeeds;

/// Runs a scenario that must succeed and returns its standard output.
fn output(scenario: &str) -> String {
    succeeds(scenario).stdout
}

#[test]
fn value_test_value() {
    output("Value.test_value");
}

#[test]
fn value_test_getobj_getlock() {
    output("Value.test_getobj_getlock");
}

#[test]
fn array_test_array() {
    output("Array.test_array");
}

#[test]
fn what_is_not_inside_an_array_is_an_error() {
    assert_eq!(
        output("array-bounds"),
        "element 3 is not inside an array of 3\n\
         element 4294967295 is not inside an array of 3\n\
         element 3 is not inside an array of 3\n\
         2 elements from 2 on are not inside an array of 3\n\
         4 elements from 1 on are not inside an array of 3\n\
         4294967295 elements from 0 on are not inside an array of 3\n\
         a range from 4 to 3 has no length\n"
    );
}

#[test]
fn no_step_is_lost() {
    output("atomic-values");
}

#[test]
fn shared_memory_test_shared_memory_shareable_list_basics() {
    assert_eq!(
        output("SharedMemory.test_shared_memory_ShareableList_basics"),
        "an item of 12 bytes exceeds the 8 bytes of its slot\n\
         an item of 9 bytes exceeds the 8 bytes of its slot\n\
         item 7 is not inside a list of 7\n"
    );
}

#[test]
fn simple_queue_test_empty() {
    output("SimpleQueue.test_empty");
}
