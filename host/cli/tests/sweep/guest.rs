//! The guests of the sweep: for each function a component that makes the arguments of the function, and
//! then calls it until it is ended.

use crate::arguments::Mode;
use crate::layout::{self, Layout, Size};
use crate::module::{Module, counted};
use crate::preview1;
use crate::surface::{Imported, Surface};
use crate::ways::Ways;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{FunctionKind, Type, TypeDefKind, TypeId};

/// The action that a guest repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// Nothing: the baseline for the others.
    Nothing,
    /// Calls this function of [`Surface::functions`].
    Call(usize),
    /// Makes a resource and drops it.
    Drop(TypeId),
    /// Calls this function of preview 1, of [`Surface::raw_functions`].
    CallRaw(usize),
}

/// The kind of the component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    Program,
    Plugin,
}

/// The calls that a guest leaves out, since they have ended it before: each by the letter of its stage and
/// its number there.
pub(crate) type Excluded = BTreeSet<(char, usize)>;

/// The letter of the calls under test. The calls that make their arguments have `p`, and those that fill
/// these have `f`.
pub(crate) const TESTED: char = 'v';

/// One guest of the sweep.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guest {
    pub(crate) subject: Subject,
    pub(crate) mode: Mode,
    pub(crate) size: Size,
    pub(crate) door: Door,
}

/// The component (or, for preview 1, core module), and the number of combinations of arguments in its
/// calls.
pub(crate) fn component(surface: &Surface, guest: Guest, excluded: &Excluded) -> (Vec<u8>, usize) {
    if let Subject::CallRaw(index) = guest.subject {
        return preview1::module(
            &surface.raw_functions[index],
            guest.mode,
            guest.size,
            excluded,
        );
    }
    let (text, combinations) = module(surface, guest, excluded);
    let mut module = wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let world = match guest.door {
        Door::Program => surface.program,
        Door::Plugin => surface.plugin,
    };
    embed_component_metadata(&mut module, &surface.resolve, world, StringEncoding::UTF8).unwrap();
    let mut encoder = ComponentEncoder::default().module(&module).unwrap();
    let component = encoder
        .encode()
        .unwrap_or_else(|error| panic!("{error:?}\n{text}"));
    (component, combinations)
}

/// The module as text, and the number of combinations.
fn module(surface: &Surface, guest: Guest, excluded: &Excluded) -> (String, usize) {
    let tested = match guest.subject {
        Subject::Call(index) => Some(&surface.functions[index]),
        _ => None,
    };
    let layout = Layout::new(
        guest.size,
        tested.is_some_and(|tested| takes_lists(surface, tested)),
    );
    let small = Layout {
        size: Size::Small,
        ..layout
    };
    // Only workers get jobs: for this function main makes a pool, and its workers do the work that main
    // does elsewhere.
    let in_worker = tested.is_some_and(|tested| tested.function.name == "next-job");
    let mut module = Module::new(surface);
    let ways = Ways::new(surface, guest.door);
    let prepare = preparation(&mut module, &ways, guest, in_worker, &small);
    let mut feed = Vec::new();
    if let (Subject::Call(index), Mode::Often) = (guest.subject, guest.mode) {
        for feeder in ways.feeders(index) {
            feed.extend(module.calls_of(feeder, Mode::Setup, &small));
            if guest.size == Size::Large {
                feed.extend(module.calls_of(feeder, Mode::Setup, &layout));
            }
        }
    }
    let calls = match guest.subject {
        Subject::Nothing | Subject::CallRaw(_) => Vec::new(),
        Subject::Call(index) => module.calls_of(index, guest.mode, &layout),
        Subject::Drop(resource) => {
            module.drops_of(resource, &ways.providers(resource, None), &small)
        }
    };
    let dropped = |call: &str| format!("(drop (call {call}))");
    let dropped_in_time = |call: &str| format!("(drop (call {call})) (br_if $full (call $late))");
    let prepare = steps('p', &prepare, excluded, true, dropped);
    let first_feed = steps('f', &feed, excluded, true, dropped_in_time);
    let feed = steps('f', &feed, excluded, false, dropped_in_time);
    let first_round = steps(TESTED, &calls, excluded, true, counted);
    let further_rounds = steps(TESTED, &calls, excluded, false, counted);
    let doors = match guest.door {
        Door::Program => program(&mut module, in_worker),
        Door::Plugin => plugin(),
    };
    let text = module.text(&format!(
        "(func $prepare {prepare})
         (func $main
           (local $round i32)
           (call $tell (i32.const 103) (i32.const 0))
           {grow}
           (memory.fill (i32.const {text}) (i32.const 97) (i32.const {text_bytes}))
           {prepared}
           (block $full
             {first_feed}
             (loop $again
               {feed}
               (local.set $round (i32.add (local.get $round) (i32.const 1)))
               (br_if $again (i32.lt_u (local.get $round) (i32.const {rounds})))))
           {first_round}
           (loop $again {further_rounds} (br $again)))
         {doors}",
        grow = growth(&layout),
        text = layout::TEXT,
        text_bytes = layout.text_bytes,
        // Twice: a function that returns handles of several kinds may come before all kinds exist.
        prepared = if in_worker {
            ""
        } else {
            "(call $prepare) (call $prepare)"
        },
        rounds = if guest.size == Size::Small { 64 } else { 24 },
    ));
    (text, calls.len())
}

/// Code that makes the arguments of the calls.
fn preparation(
    module: &mut Module<'_>,
    ways: &Ways<'_>,
    guest: Guest,
    in_worker: bool,
    small: &Layout,
) -> Vec<String> {
    let surface = module.surface;
    let mut needed = Vec::new();
    let mut owner = None;
    match guest.subject {
        Subject::Nothing | Subject::CallRaw(_) => {}
        Subject::Drop(resource) => needed.push(resource),
        Subject::Call(index) => {
            let function = &surface.functions[index].function;
            for parameter in &function.params {
                surface.resources_in(&parameter.ty, true, &mut needed);
            }
            owner = match function.kind {
                FunctionKind::Method(owner) | FunctionKind::Static(owner) => Some(owner),
                _ => None,
            };
            needed.extend(owner);
            needed.extend(surface.numbered_in(function));
        }
    }
    if in_worker {
        needed.extend(
            surface
                .resources
                .iter()
                .filter(|&&resource| surface.name_of(resource) == "batch"),
        );
    }
    let mut calls = Vec::new();
    for provider in ways.to(needed, owner) {
        calls.extend(module.calls_of(provider, Mode::Setup, small));
    }
    calls
}

/// The calls of one stage, each after a line with its number, if `tells`.
fn steps(
    letter: char,
    calls: &[String],
    excluded: &Excluded,
    tells: bool,
    code: impl Fn(&str) -> String,
) -> String {
    let calls = calls
        .iter()
        .enumerate()
        .filter(|&(number, _)| !excluded.contains(&(letter, number)));
    calls.fold(String::new(), |mut text, (number, call)| {
        if tells {
            writeln!(
                text,
                "(call $tell (i32.const {}) (i32.const {number}))",
                u32::from(letter)
            )
            .unwrap();
        }
        writeln!(text, "{}", code(call)).unwrap();
        text
    })
}

/// Whether a function takes lists of elements larger than bytes.
fn takes_lists(surface: &Surface, imported: &Imported) -> bool {
    imported
        .function
        .params
        .iter()
        .any(|parameter| match &parameter.ty {
            Type::Id(id) => match surface.resolve.types[surface.definition(*id)].kind {
                TypeDefKind::List(Type::U8) => false,
                TypeDefKind::List(_) => true,
                _ => surface.has_list(&parameter.ty),
            },
            _ => false,
        })
}

/// Code that takes the memory of a large run.
fn growth(layout: &Layout) -> String {
    match layout.size {
        Size::Small => String::new(),
        Size::Large => format!(
            "(if (i32.lt_s (memory.grow (i32.const {pages})) (i32.const 0)) (then (unreachable)))
             (global.set $results (i32.const {results})) (global.set $allocated (i32.const {results}))
             (global.set $end (i32.const {end})) (global.set $result_bytes (i32.const {bytes}))",
            pages = (layout.end() >> 16) - layout::FIRST_PAGES,
            results = layout.results(),
            end = layout.end(),
            bytes = layout.result_bytes,
        ),
    }
}

/// The exports of a program: main runs the guest's action, a child waits for ever, or ends at once if it
/// receives nothing, and a worker works.
fn program(module: &mut Module<'_>, in_worker: bool) -> String {
    let result = layout::RESULT;
    let text = layout::TEXT;
    let entry = module.import_named("isopod:multiprocessing/process", "entry");
    let any = module.import_named("isopod:multiprocessing/wait", "any");
    let next_job = module.import_named("isopod:multiprocessing/pool", "next-job");
    let wasi = module
        .surface
        .functions
        .iter()
        .find(|imported| imported.module.starts_with("wasi:cli/"));
    let version = wasi.unwrap().module.split('@').nth(1).unwrap();
    let wait = format!(
        "(call {any} (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i64.const 0)
           (i32.const {result}))"
    );
    let (main, worker) = match in_worker {
        true => (format!("(call $prepare) (call $prepare) {wait}"), "(call $main)".to_owned()),
        false => (
            "(call $main)".to_owned(),
            format!(
                "(call {next_job} (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
                   (i32.const 0) (i32.const {result}))
                 (loop $again
                   (if (i32.or (i32.load8_u (i32.const {result}))
                         (i32.eqz (i32.load8_u offset=4 (i32.const {result}))))
                     (then (return (i32.const 0))))
                   (call {next_job} (i32.const 1) (i32.const 0) (i32.const {text}) (i32.const 16)
                     (i32.const 0) (i32.const 0) (i32.const {result}))
                   (br $again))"
            ),
        ),
    };
    format!(
        "(func (export \"wasi:cli/run@{version}#run\") (result i32)
           (call {entry} (i32.const {result}))
           (if (i32.eq (i32.load8_u (i32.const {result})) (i32.const 1)) (then
             (if (i32.load offset=8 (i32.const {result})) (then {wait}))
             (return (i32.const 0))))
           (if (i32.eq (i32.load8_u (i32.const {result})) (i32.const 2)) (then
             {worker}
             (return (i32.const 0))))
           {main}
           (i32.const 0))"
    )
}

/// The exports of a plugin: one function, which runs the guest's action.
fn plugin() -> String {
    let result = layout::RESULT;
    let name = layout::CONSTANTS - 8;
    format!(
        "(func (export \"isopod:multiprocessing/functions@0.1.0#describe\") (result i32)
           (i32.store (i32.const {result}) (i32.const {function}))
           (i32.store offset=4 (i32.const {result}) (i32.const 1))
           (i32.store offset=16 (i32.const {result}) (i32.const {name}))
           (i32.store offset=20 (i32.const {result}) (i32.const 1))
           (i32.const {result}))
         (func (export \"isopod:multiprocessing/functions@0.1.0#call\")
           (param i32 i32 i32 i32 i32 i32) (result i32)
           (call $main)
           (unreachable))
         (data (i32.const {name}) \"f\")",
        function = result + 16,
    )
}
