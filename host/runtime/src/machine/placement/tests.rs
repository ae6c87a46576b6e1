//! Where processes are seated, moved and counted.

use super::*;

fn process(id: u64) -> ProcessId {
    ProcessId::new(id)
}

fn sitter(id: u64) -> Sitter {
    Sitter {
        slot: Arc::default(),
        tree: 1,
        gate: Arc::new(Gate::new(process(id))),
    }
}

fn seat(placement: &Placement, id: u64) -> Slot {
    placement.seat(sitter(id))
}

#[test]
fn new_processes_go_where_fewest_run() {
    let placement = Placement::new(vec![0, 1], None);
    assert_eq!(seat(&placement, 1), 0);
    assert_eq!(seat(&placement, 2), 1);
    assert_eq!(seat(&placement, 3), 0);
}

#[test]
fn a_process_is_seated_away_from_its_caller_where_that_costs_nothing() {
    let placement = Placement::new(vec![4, 5], None);
    let away = |id| placement.seat_away_from(Some(4), sitter(id));
    assert_eq!(away(1), 1);
    assert_eq!(away(2), 0);
    assert_eq!(away(3), 1);
}

#[test]
fn a_parked_parent_does_not_count() {
    let placement = Placement::new(vec![0, 1], None);
    let parent = seat(&placement, 1);
    placement.parking(process(1));
    assert_eq!(seat(&placement, 2), parent);
    assert_ne!(seat(&placement, 3), parent);
}

#[test]
fn spinning_needs_a_core_of_ones_own() {
    let placement = Placement::new(vec![0, 1], None);
    let first = seat(&placement, 1);
    seat(&placement, 2);
    assert!(placement.may_spin(first));
    seat(&placement, 3);
    assert!(!placement.may_spin(first));
}

#[test]
fn one_without_quota_does_not_count_whether_it_rests_or_not() {
    let placement = Placement::new(vec![0, 1], None);
    let first = seat(&placement, 1);
    placement.throttle(process(1), true);
    assert_eq!(seat(&placement, 2), first);
    placement.parking(process(1));
    placement.unparked(process(1));
    assert!(placement.may_spin(first));
    placement.throttle(process(1), false);
    assert!(!placement.may_spin(first));
    placement.leave(process(1));
    assert!(placement.may_spin(first));
}

/// Its thread begins after the cores became uneven, as on a busy machine.
#[test]
fn a_process_that_begins_late_moves_to_the_free_core() {
    let placement = Placement::new(vec![0, 1], None);
    for id in 1..=6 {
        seat(&placement, id);
    }
    // All of the second core end before the others have begun, so none of those could be moved.
    for id in [2, 4, 6] {
        placement.leave(process(id));
    }
    let slots = || [1, 3, 5].map(|id| placement.slot_of(process(id)));
    assert_eq!(slots(), [Some(0); 3]);
    placement.begin(process(3), rustix::thread::gettid());
    assert_eq!(slots(), [Some(0), Some(1), Some(0)]);
    placement.begin(process(5), rustix::thread::gettid());
    assert_eq!(slots(), [Some(0), Some(1), Some(0)]);
}
