//! The notes of a random program, and the check that they are possible.

use crate::layout::{
    ABANDONED, BAD_ENDS, BEGUN, DICT_BEGUN, DICT_DONE, DICT_VALUE, ELEMENTS_LEFT, EVENTS, FINISHED,
    GIVEN_UP, JOB_RUNS, JOBS, JOBS_LOST, JOBS_RIGHT, KILLS, MESSAGES, MOST_JOBS, MOST_MESSAGES,
    NEXT_MESSAGE, PARTIES, PASSED, PASSED_FIRST, PERMITS_BEGUN, PERMITS_LEFT, PERMITS_MADE,
    PERMITS_TAKEN, POPPED, PUSHES_BEGUN, PUSHES_DONE, PUT, RECEIVED, ROUND_TRIPS, SECTIONS,
    STARTED, TASKS, VIOLATIONS, WORDS,
};
use anyhow::{Result, ensure};
use isopod_host::sync::{CreateError, SharedMemory};
use std::fmt;
use std::ops::AddAssign;

/// The ledger of one program.
pub(crate) struct Ledger {
    pub(crate) memory: SharedMemory,
}

/// The counts of one program or of all.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Counts {
    pub(crate) programs: u64,
    /// Programs whose main was not ended from outside, so that it saw all others end.
    pub(crate) finished: u64,
    pub(crate) processes: u64,
    pub(crate) embedder_kills: u64,
    pub(crate) parent_kills: u64,
    pub(crate) bad_ends: u64,
    pub(crate) messages: u64,
    pub(crate) received: u64,
    pub(crate) messages_lost: u64,
    pub(crate) given_up: u64,
    pub(crate) round_trips: u64,
    pub(crate) jobs: u64,
    pub(crate) jobs_right: u64,
    pub(crate) jobs_lost: u64,
    pub(crate) sections: u64,
    pub(crate) abandoned: u64,
    pub(crate) dict_updates: u64,
    pub(crate) permits: u64,
    pub(crate) passed: u64,
    pub(crate) elements: u64,
    pub(crate) events: u64,
    pub(crate) tasks: u64,
}

impl Ledger {
    pub(crate) fn new() -> Result<Ledger, CreateError> {
        let memory = SharedMemory::new(u64::from(WORDS) * 4)?;
        Ok(Ledger { memory })
    }

    fn word(&self, word: u32) -> Result<u64> {
        Ok(u64::from(self.memory.load_u32(u64::from(word) * 4)?))
    }

    pub(crate) fn is_finished(&self) -> Result<bool> {
        Ok(self.word(FINISHED)? == 1)
    }

    /// Checks the whole ledger after the end of the program, and returns the counts.
    pub(crate) fn check(&self, embedder_kills: u64) -> Result<Counts> {
        let violations = self.word(VIOLATIONS)?;
        ensure!(violations == 0, "{violations} violations were noted");
        let is_finished = self.is_finished()?;
        let mut counts = Counts {
            programs: 1,
            finished: u64::from(is_finished),
            // Main is one more.
            processes: self.word(STARTED)? + 1,
            embedder_kills,
            parent_kills: self.word(KILLS)?,
            bad_ends: self.word(BAD_ENDS)?,
            given_up: self.word(GIVEN_UP)?,
            round_trips: self.word(ROUND_TRIPS)?,
            jobs: self.word(JOBS)?,
            jobs_right: self.word(JOBS_RIGHT)?,
            jobs_lost: self.word(JOBS_LOST)?,
            sections: self.word(SECTIONS)?,
            abandoned: self.word(ABANDONED)?,
            dict_updates: self.word(DICT_DONE)?,
            permits: self.word(PERMITS_TAKEN)?,
            passed: self.word(PASSED)?,
            elements: self.word(PUSHES_DONE)?,
            events: self.word(EVENTS)?,
            tasks: self.word(TASKS)?,
            ..Counts::default()
        };
        let ends = counts.embedder_kills + counts.parent_kills + counts.bad_ends;
        self.check_messages(&mut counts)?;
        self.check_jobs(&counts, ends)?;
        if is_finished {
            // A process that was ended between a take and its note has taken one message at most.
            let lost = counts.messages_lost;
            ensure!(lost <= ends, "{lost} messages are lost by {ends} ends");
            let (begun, done) = (self.word(DICT_BEGUN)?, counts.dict_updates);
            let value = self.word(DICT_VALUE)?;
            ensure!(
                (done..=begun).contains(&value),
                "the dict counts {value}: {begun} were begun and {done} done"
            );
            self.check_meetings(ends)?;
        }
        let (told, sections) = (counts.abandoned, counts.sections);
        // A process that learned of an abandoned lock may have been ended at that moment, and then the next
        // one learns of it again.
        ensure!(
            told <= ends,
            "{told} of {sections} owners were told of {ends} ends"
        );
        Ok(counts)
    }

    /// Each end can have come between an operation and its note.
    fn check_meetings(&self, ends: u64) -> Result<()> {
        for (what, begun, done, taken, left) in [
            (
                "permits",
                PERMITS_BEGUN,
                PERMITS_MADE,
                PERMITS_TAKEN,
                PERMITS_LEFT,
            ),
            ("elements", PUSHES_BEGUN, PUSHES_DONE, POPPED, ELEMENTS_LEFT),
        ] {
            let (begun, done) = (self.word(begun)?, self.word(done)?);
            let (taken, left) = (self.word(taken)?, self.word(left)?);
            ensure!(
                taken + left <= begun && done <= taken + left + ends,
                "{begun} {what} were begun, {done} made, {taken} taken, {left} left, by {ends} ends"
            );
        }
        let (passed, first) = (self.word(PASSED)?, self.word(PASSED_FIRST)?);
        let parties = u64::from(PARTIES);
        ensure!(
            passed <= parties * (first + ends) && parties * first <= passed + ends,
            "{passed} passed a barrier of {parties}, {first} of them first, by {ends} ends"
        );
        Ok(())
    }

    fn check_messages(&self, counts: &mut Counts) -> Result<()> {
        let begun = self.word(NEXT_MESSAGE)?.min(u64::from(MOST_MESSAGES));
        for message in 0..MOST_MESSAGES {
            let word = self.word(MESSAGES + message)?;
            let (received, put) = (word / u64::from(RECEIVED), word / u64::from(PUT) % 256);
            let was_begun = word % u64::from(PUT) == u64::from(BEGUN);
            ensure!(
                received <= 1 && put <= 1 && (was_begun || word == 0),
                "message {message}: begun: {was_begun}, put {put} times, taken {received} times"
            );
            ensure!(
                word == 0 || u64::from(message) < begun,
                "message {message} of {begun} was never sent"
            );
            counts.messages += put;
            counts.received += received;
            counts.messages_lost += u64::from(put == 1 && received == 0);
        }
        Ok(())
    }

    fn check_jobs(&self, counts: &Counts, ends: u64) -> Result<()> {
        let (jobs, right, lost) = (counts.jobs, counts.jobs_right, counts.jobs_lost);
        ensure!(
            right + lost == jobs || (counts.finished == 0 && right + lost < jobs),
            "of {jobs} jobs {right} were right and {lost} lost"
        );
        ensure!(lost <= ends, "{lost} jobs were lost by {ends} ends");
        let mut begun = 0;
        for job in 0..MOST_JOBS {
            let runs = self.word(JOB_RUNS + job)?;
            ensure!(runs <= 1, "job {job} ran {runs} times");
            begun += runs;
        }
        ensure!(
            (right..=jobs).contains(&begun),
            "{begun} of {jobs} jobs were begun, {right} were right"
        );
        Ok(())
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.programs += other.programs;
        self.finished += other.finished;
        self.processes += other.processes;
        self.embedder_kills += other.embedder_kills;
        self.parent_kills += other.parent_kills;
        self.bad_ends += other.bad_ends;
        self.messages += other.messages;
        self.received += other.received;
        self.messages_lost += other.messages_lost;
        self.given_up += other.given_up;
        self.round_trips += other.round_trips;
        self.jobs += other.jobs;
        self.jobs_right += other.jobs_right;
        self.jobs_lost += other.jobs_lost;
        self.sections += other.sections;
        self.abandoned += other.abandoned;
        self.dict_updates += other.dict_updates;
        self.permits += other.permits;
        self.passed += other.passed;
        self.elements += other.elements;
        self.events += other.events;
        self.tasks += other.tasks;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} programs ({} seen to the end) of {} processes and workers\n\
             ends: {} by the embedder, {} by parents, {} of their own accord\n\
             messages: {} put, {} taken, {} not, {} refused\n\
             jobs: {} submitted, {} right, {} lost with their worker\n\
             critical sections: {}, of which {} were told of an abandoned lock\n\
             {} round trips through pipes, {} updates of dicts, {} elements of lists\n\
             {} permits taken under conditions, {} passed barriers, {} waits for events, {} tasks",
            self.programs,
            self.finished,
            self.processes,
            self.embedder_kills,
            self.parent_kills,
            self.bad_ends,
            self.messages,
            self.received,
            self.messages_lost,
            self.given_up,
            self.jobs,
            self.jobs_right,
            self.jobs_lost,
            self.sections,
            self.abandoned,
            self.round_trips,
            self.dict_updates,
            self.elements,
            self.permits,
            self.passed,
            self.events,
            self.tasks,
        )
    }
}
