//! Programs that are hostile to the host and to their siblings, and one that is not: the first
//! argument names the scenario.
//!
//! `raw` makes the calls that the library does not allow, below it. A scenario that never ends by itself
//! reports on the embedder's queue `ready` that it has come to its point.

mod calls;
mod host_memory;
mod locks;
mod memory;
mod messages;
mod names;
mod processes;
mod raw;
mod sibling;
mod storage;
mod surroundings;

use isopod::{Error, ErrorKind, Queue};

type Outcome = Result<(), Error>;

#[isopod::main]
fn main() -> Outcome {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["well-behaved-sibling"] => sibling::work(),

        ["endless-loop"] => processes::endless_loop(),
        ["deep-recursion"] => processes::deep_recursion(),
        ["sleep-for-ever"] => processes::sleep_for_ever(),
        ["fork-bomb"] => processes::fork_bomb(),
        ["fork-chain"] => processes::fork_chain(),
        ["relay-of-orphans"] => processes::relay_of_orphans(),
        ["chains-that-break-everywhere"] => processes::chains_that_break_everywhere(),
        ["thousands-of-tiny-processes"] => processes::thousands_of_tiny_processes(),
        ["spawn-during-exit"] => processes::spawn_during_exit(),
        ["exit-during-spawn"] => processes::exit_during_spawn(),
        ["waits-for-its-parent"] => processes::waits_for_its_parent(),
        ["ten-thousand-workers"] => processes::ten_thousand_workers(),

        ["memory-bomb"] => memory::bomb(),
        ["memory-bomb-of-children"] => memory::bomb_of_children(),
        ["giant-shared-memory"] => memory::giant_shared_memory(),
        ["handle-leak"] => memory::handle_leak(),
        ["object-leak"] => memory::object_leak(),
        ["one-buffer-many-times"] => memory::one_buffer_many_times(),

        ["host-memory", kind] => host_memory::take(kind),
        ["ties-a-knot"] => host_memory::tie_a_knot(),

        ["own-handle-in-own-queue"] => messages::own_handle_in_own_queue(),
        ["cyclic-handles"] => messages::cyclic_handles(),
        ["giant-message"] => messages::giant_message(),
        ["truncated-messages"] => messages::truncated_messages(),
        ["truncated-arguments"] => messages::truncated_arguments(),
        ["queue-flood"] => messages::queue_flood(),
        ["hoarded-initializers"] => messages::hoarded_initializers(),
        ["zero-byte-flood"] => messages::zero_byte_flood(),
        ["output-flood"] => messages::output_flood(),
        ["endless-line"] => messages::endless_line(),

        ["lock-held-at-exit"] => locks::held_at_exit(),
        ["lock-released-by-another"] => locks::released_by_another(),
        ["condition-misuse"] => locks::condition_misuse(),
        ["giant-barrier"] => locks::giant_barrier(),
        ["semaphore-overflow"] => locks::semaphore_overflow(),
        ["time-outs-of-zero"] => locks::timeouts_of_zero(),
        ["longest-time-outs"] => locks::longest_timeouts(),

        ["giant-names-of-directories"] => names::giant_of_directories(),
        ["giant-names"] => names::giant(),
        ["giant-failure"] => names::giant_failure(),
        ["invalid-text"] => names::invalid_text(),

        ["forged-handles"] => raw::forged_handles(),
        ["stale-handles"] => raw::stale_handles(),
        ["pointers-out-of-bounds"] => raw::pointers_out_of_bounds(),

        ["random-calls", seed, count] => calls::random_calls(seed, count),

        ["path-escapes"] => surroundings::path_escapes(),
        ["peeks-around"] => surroundings::peeks_around(),
        ["clock-misuse"] => surroundings::clock_misuse(),
        ["opens-of-fifos"] => surroundings::opens_of_fifos(),
        ["descriptor-hoard"] => storage::descriptor_hoard(),
        ["descriptor-hoard-of-children"] => storage::descriptor_hoard_of_children(),
        ["fills-its-disk", way] => storage::fills_its_disk(way),
        ["makes-files", way] => storage::makes_files(way),
        ["links-that-lead-out"] => storage::links_that_lead_out(),
        ["random-misuse"] => surroundings::random_misuse(),
        other => panic!("no scenario {other:?}"),
    }
}

/// Reports to the embedder that the scenario has come to its point.
fn ready() -> Outcome {
    isopod::inherited::<Queue<u64>>("ready")?.put(&isopod::current_process().id())
}

/// The call must fail with this kind; prints the error.
fn refused<T>(result: Result<T, Error>, kind: ErrorKind) {
    match result {
        Ok(_) => panic!("it is to fail: {kind:?}"),
        Err(error) => {
            assert_eq!(error.kind(), kind, "{error}");
            println!("{error}");
        }
    }
}
