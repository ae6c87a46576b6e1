//! The filter in the form that the kernel runs: a program that finds a system call's answer by binary
//! search.
//!
//! `seccompiler` would compare the number of a call with each allowed one in turn. When the filter is set
//! up, the kernel runs it once for each system call that exists, which took 0.6 ms; this form takes a
//! tenth.

use libc::c_long;
use seccompiler::{BpfProgram, SeccompAction, SeccompRule, sock_filter};
use std::collections::BTreeMap;

// Instructions of classic BPF, as `linux/bpf_common.h` defines them.
const LOAD_WORD: u16 = 0x20;
const JUMP_ALWAYS: u16 = 0x05;
const JUMP_IF_EQUAL: u16 = 0x15;
const JUMP_IF_AT_LEAST: u16 = 0x35;
const RETURN: u16 = 0x06;

// Offsets in the kernel's description of a call: `linux/seccomp.h`.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;

/// The identifiers of processors in `linux/audit.h`. An x86 takes calls in other ways too, with other
/// numbers.
const ARCHITECTURES: [(&str, u32); 3] = [
    ("x86_64", 0xc000_003e),
    ("aarch64", 0xc000_00b7),
    ("riscv64", 0xc000_00f3),
];

/// The answer to a system call.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    Allowed,
    /// The call fails with this error number.
    Fails(i32),
    /// Allowed if one of the rules is met.
    If(Vec<SeccompRule>),
}

/// The filter for this processor that allows these calls. A call that has rules is allowed only if one of
/// them is met. All other calls fail with `EPERM`, except `clone3`, which fails with `ENOSYS`: its flags
/// lie in memory, which no filter can read, and the C library uses `clone` where `clone3` does not exist.
/// `None` for an unknown processor.
pub(super) fn program(allowed: BTreeMap<c_long, Vec<SeccompRule>>) -> Option<BpfProgram> {
    let (_, architecture) = ARCHITECTURES
        .iter()
        .find(|(name, _)| *name == std::env::consts::ARCH)?;
    let kill = u32::from(SeccompAction::KillProcess);
    let mut program = vec![
        step(LOAD_WORD, ARCHITECTURE),
        jump(JUMP_IF_EQUAL, *architecture, 1, 0),
        step(RETURN, kill),
        step(LOAD_WORD, NUMBER),
    ];
    program.extend(search(&ranges(allowed)));
    Some(program)
}

/// The answers. Each holds from its number up to the next one's.
fn ranges(allowed: BTreeMap<c_long, Vec<SeccompRule>>) -> Vec<(u32, Answer)> {
    let mut answers: BTreeMap<u32, Answer> = BTreeMap::new();
    for (call, rules) in allowed {
        // All numbers that `libc` names are small.
        let Ok(call) = u32::try_from(call) else {
            continue;
        };
        let answer = match rules.is_empty() {
            true => Answer::Allowed,
            false => Answer::If(rules),
        };
        answers.insert(call, answer);
    }
    if let Ok(clone3) = u32::try_from(libc::SYS_clone3) {
        answers.insert(clone3, Answer::Fails(libc::ENOSYS));
    }
    let denied = Answer::Fails(libc::EPERM);
    let mut ranges = vec![(0, denied.clone())];
    let mut next = 0;
    let mut add = |from: u32, answer: Answer| match ranges.last_mut() {
        Some((_, last)) if *last == answer => {}
        // No number lies between the two.
        Some((start, last)) if *start == from => *last = answer,
        _ => ranges.push((from, answer)),
    };
    for (call, answer) in answers {
        if call > next {
            add(next, denied.clone());
        }
        add(call, answer);
        next = call.saturating_add(1);
    }
    add(next, denied);
    ranges
}

/// Instructions that find the answer to the loaded number, which lies in one of these ranges.
fn search(ranges: &[(u32, Answer)]) -> BpfProgram {
    let (lower, upper) = ranges.split_at(ranges.len() / 2);
    match (lower, upper) {
        ([], [(_, answer)]) => give(answer),
        (_, [(from, _), ..]) => {
            let (lower, upper) = (search(lower), search(upper));
            // A condition jumps over no more than 255 instructions.
            let mut program = match u8::try_from(lower.len()) {
                Ok(over_lower) => vec![jump(JUMP_IF_AT_LEAST, *from, over_lower, 0)],
                Err(_) => vec![
                    jump(JUMP_IF_AT_LEAST, *from, 0, 1),
                    step(JUMP_ALWAYS, u32::try_from(lower.len()).unwrap_or(u32::MAX)),
                ],
            };
            program.extend(lower);
            program.extend(upper);
            program
        }
        (_, []) => give(&Answer::Fails(libc::EPERM)),
    }
}

fn give(answer: &Answer) -> BpfProgram {
    let allow = step(RETURN, u32::from(SeccompAction::Allow));
    let fail = |errno: i32| {
        let action = SeccompAction::Errno(errno.unsigned_abs());
        step(RETURN, u32::from(action))
    };
    match answer {
        Answer::Allowed => vec![allow],
        Answer::Fails(errno) => vec![fail(*errno)],
        Answer::If(rules) => {
            let mut program = BpfProgram::new();
            for rule in rules {
                // A rule that is not met continues behind the instruction that follows it.
                program.extend(BpfProgram::from(rule.clone()));
                program.push(allow.clone());
            }
            program.push(fail(libc::EPERM));
            program
        }
    }
}

fn step(code: u16, k: u32) -> sock_filter {
    jump(code, k, 0, 0)
}

fn jump(code: u16, k: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { code, jt, jf, k }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        clippy::panic,
        reason = "a panic is how a test fails"
    )]
    use super::*;
    use seccompiler::{SeccompCmpArgLen, SeccompCmpOp, SeccompCondition};

    /// The kernel's answer to a call with this number and this first argument.
    fn answer(program: &BpfProgram, number: u32, argument: u32) -> u32 {
        let architecture = ARCHITECTURES
            .iter()
            .find(|(name, _)| *name == std::env::consts::ARCH);
        let (mut at, mut loaded) = (0, 0);
        loop {
            let instruction = &program[at];
            at += 1;
            let (jt, jf) = (usize::from(instruction.jt), usize::from(instruction.jf));
            match instruction.code {
                LOAD_WORD => {
                    loaded = match instruction.k {
                        NUMBER => number,
                        ARCHITECTURE => architecture.unwrap().1,
                        16 => argument,
                        _ => 0,
                    }
                }
                JUMP_ALWAYS => at += usize::try_from(instruction.k).unwrap(),
                JUMP_IF_EQUAL => at += if loaded == instruction.k { jt } else { jf },
                JUMP_IF_AT_LEAST => at += if loaded >= instruction.k { jt } else { jf },
                RETURN => return instruction.k,
                other => panic!("instruction {other}"),
            }
        }
    }

    #[test]
    fn each_number_has_its_answer() {
        let equal = |value| {
            let condition =
                SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value);
            SeccompRule::new(vec![condition.unwrap()]).unwrap()
        };
        let allowed = BTreeMap::from([
            (0, vec![]),
            (1, vec![]),
            (3, vec![equal(7), equal(9)]),
            (4, vec![]),
            (300, vec![]),
        ]);
        let program = program(allowed).unwrap();
        let allow = u32::from(SeccompAction::Allow);
        let error = |errno: i32| u32::from(SeccompAction::Errno(errno.unsigned_abs()));
        let clone3 = u32::try_from(libc::SYS_clone3).unwrap();
        for number in (0..1_000).chain([0x4000_0000, 0x4000_0001, u32::MAX]) {
            let expected = match number {
                0 | 1 | 4 | 300 => allow,
                _ if number == clone3 => error(libc::ENOSYS),
                _ => error(libc::EPERM),
            };
            if number != 3 {
                assert_eq!(answer(&program, number, 0), expected, "{number}");
            }
        }
        for argument in 0..20 {
            let expected = match argument {
                7 | 9 => allow,
                _ => error(libc::EPERM),
            };
            assert_eq!(answer(&program, 3, argument), expected, "{argument}");
        }
    }
}
