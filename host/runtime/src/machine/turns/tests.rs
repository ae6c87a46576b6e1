//! The order of turns, with clocks that the test sets.

#![allow(clippy::indexing_slicing, reason = "a panic is how a test fails")]
use super::*;

const MILLISECOND: Duration = Duration::from_millis(1);

fn member(id: u64) -> Member {
    let process = ProcessId::new(id);
    Member {
        process,
        gate: Arc::new(Gate::new(process)),
    }
}

/// A crowd with these processes of tree 1 and one of tree 2, and the members of tree 1.
fn crowd(count: u64) -> (Crowd, Vec<Member>) {
    let mut crowd = Crowd::default();
    let members: Vec<Member> = (0..count).map(member).collect();
    for member in &members {
        assert_eq!(crowd.arrive(1, member.clone()), None);
    }
    assert!(!crowd.is_contended());
    crowd.arrive(2, member(1_000));
    (crowd, members)
}

/// Tree 1 has used more than its share.
fn take_turns(crowd: &mut Crowd, members: &[Member]) -> HashMap<ProcessId, Ticket> {
    crowd.note_use(1, MILLISECOND * 8);
    crowd.note_use(2, MILLISECOND * 2);
    assert_eq!(window(crowd), [1]);
    crowd.begin_turns(1, members.to_vec()).into_iter().collect()
}

/// The result of the look at the end of a window.
fn window(crowd: &mut Crowd) -> Vec<u64> {
    for _ in 1..WINDOW_TICKS {
        assert!(crowd.look().is_empty());
    }
    crowd.look()
}

fn open(members: &[Member]) -> Vec<u64> {
    let open = members.iter().filter(|member| !member.gate.is_closed());
    open.map(|member| member.process.get()).collect()
}

#[test]
fn a_tree_that_has_its_share_takes_no_turns() {
    let (mut crowd, members) = crowd(3);
    assert!(crowd.is_contended());
    crowd.note_use(1, MILLISECOND * 5);
    crowd.note_use(2, MILLISECOND * 5);
    assert!(window(&mut crowd).is_empty());
    assert_eq!(open(&members).len(), 3);
}

#[test]
fn one_runs_at_a_time_and_each_in_its_turn() {
    let (mut crowd, members) = crowd(3);
    let mut tickets = take_turns(&mut crowd, &members);
    for expected in [0, 1, 2, 0] {
        assert_eq!(open(&members), [expected]);
        crowd.note_use(1, MILLISECOND * 3);
        crowd.note_use(2, MILLISECOND * 9);
        tickets.extend(crowd.pass_turns());
    }
    let with_ticket = tickets.values().filter(|ticket| ticket.is_some());
    assert_eq!(with_ticket.count(), 2);
}

#[test]
fn who_parks_passes_its_turn_on_and_who_comes_waits_for_one() {
    let (mut crowd, members) = crowd(3);
    let mut tickets = take_turns(&mut crowd, &members);
    assert_eq!(crowd.depart(1, &members[0], None), Some(members[1].process));
    tickets.insert(members[1].process, None);
    assert_eq!(open(&members), [0, 1]);
    tickets.insert(members[0].process, crowd.arrive(1, members[0].clone()));
    assert_eq!(open(&members), [1]);
    // A process that waits for its turn and leaves has no lasting effect.
    let ticket = tickets.get(&members[2].process).copied().flatten();
    assert_eq!(crowd.depart(1, &members[2], ticket), None);
    assert_eq!(crowd.depart(1, &members[1], None), Some(members[0].process));
    assert_eq!(crowd.depart(1, &members[0], None), None);
    assert_eq!(open(&members).len(), 3);
    // The next process to arrive has the turn.
    assert_eq!(crowd.arrive(1, members[2].clone()), None);
    assert_eq!(open(&members).len(), 3);
}

#[test]
fn a_tree_that_is_ahead_sits_out_until_the_others_have_caught_up_or_want_no_more() {
    let (mut crowd, members) = crowd(2);
    let mut tickets = take_turns(&mut crowd, &members);
    tickets.extend(crowd.pass_turns());
    assert!(open(&members).is_empty());
    for _ in 0..2 {
        crowd.note_use(2, MILLISECOND * 4);
        tickets.extend(crowd.pass_turns());
    }
    assert_eq!(open(&members).len(), 1);
    // Tree 1 is ahead again; the process of tree 2 leaves.
    crowd.note_use(1, MILLISECOND * 20);
    tickets.extend(crowd.pass_turns());
    assert!(open(&members).is_empty());
    let next = crowd.depart(2, &member(1_000), None);
    assert_eq!(
        next.map(|process| vec![process.get()]),
        Some(open(&members))
    );
}

#[test]
fn who_sits_out_beside_others_that_use_nothing_goes_on_in_the_end() {
    let (mut crowd, members) = crowd(2);
    take_turns(&mut crowd, &members);
    crowd.pass_turns();
    let ticks = LARGEST_LEAD / FORGOTTEN + 1;
    for _ in 0..ticks {
        crowd.pass_turns();
    }
    assert_eq!(open(&members).len(), 1);
}

#[test]
fn turns_end_when_nobody_else_has_wanted_the_core_for_a_while() {
    let (mut crowd, members) = crowd(3);
    take_turns(&mut crowd, &members);
    crowd.depart(2, &member(1_000), None);
    assert!(!crowd.is_contended());
    for _ in 0..=CALM_WINDOWS {
        assert!(crowd.has_turns());
        crowd.note_use(1, MILLISECOND * 5);
        assert!(window(&mut crowd).is_empty());
    }
    assert!(!crowd.has_turns());
    assert_eq!(open(&members).len(), 3);
}
