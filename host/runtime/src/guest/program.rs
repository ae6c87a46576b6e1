//! A program: a loaded component, ready to be run by any number of processes.

use super::engine::Engine;
use super::state::State;
use crate::code::compiler::{Refusal, told};
use crate::code::{Code, Origin, code_cache, file_identity, instance_limits};
use crate::error::{Error, ErrorKind, Result};
use crate::limit_kind::LimitKind;
use isopod_component::Kind;
use std::path::Path;
use std::sync::Arc;
use wasmtime::Precompiled;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, InstancePre};
use wasmtime_wasi::p2::bindings::CommandPre;

/// A loaded and compiled program. Clones share the code.
///
/// It has a main function, for a [`Command`](crate::Command) to run, or it is a plugin, whose functions
/// are called through a [`Plugin`](crate::plugin::Plugin).
///
/// ```
/// use isopod_host::{Engine, ErrorKind, Program};
/// let engine = Engine::new()?;
/// let error = Program::from_bytes(&engine, "text", b"hello").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::NotWasm);
/// # Ok::<(), isopod_host::Error>(())
/// ```
#[derive(Clone)]
pub struct Program {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    code: Arc<Code>,
    instance: InstancePre<State>,
    /// Its main function, if it has one.
    command: Option<CommandPre<State>>,
}

impl std::fmt::Debug for Program {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Program")
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}

impl Program {
    /// Loads a component, or a core module for `wasm32-wasip1`, from a file. Compiles it, unless
    /// the engine's cache holds it. The program is named after the file.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::Io`], [`ErrorKind::NotWasm`],
    /// [`ErrorKind::InvalidProgram`] and [`ErrorKind::UnknownImport`]; [`ErrorKind::LimitExceeded`] at one
    /// of the [`CompileLimits`](crate::code::CompileLimits).
    pub fn from_file(engine: &Engine, path: impl AsRef<Path>) -> Result<Program> {
        let path = path.as_ref();
        Program::from_file_as(engine, &stem(path), path)
    }

    /// As [`from_file`](Self::from_file), with a name that the embedder chooses: for an interpreter, the
    /// name of the code that it runs.
    ///
    /// # Errors
    /// Those of [`from_file`](Self::from_file).
    pub fn from_file_as(engine: &Engine, name: &str, path: impl AsRef<Path>) -> Result<Program> {
        let path = path.as_ref();
        let name = name.to_owned();
        let shown = path.display().to_string();
        let identity = file_identity::of(path);
        if let Some(identity) = &identity
            && let Some((component, instance_bytes)) = engine.machinery().compiled(identity)
        {
            // Another engine, with another limit, may have compiled it.
            let bytes = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
            engine.machinery().compiler.check_size(bytes, &shown)?;
            let origin = Origin::Unread(path.to_owned(), identity.clone());
            return Program::link(engine, name, &shown, component, instance_bytes, origin);
        }
        let bytes = engine.machinery().compiler.read(path, &shown)?;
        let program = Program::load(engine, name, &shown, &bytes)?;
        // Another file may have replaced it while it was read.
        match identity {
            Some(identity) if file_identity::of(path).as_ref() == Some(&identity) => {
                engine
                    .machinery()
                    .note(&identity, &bytes, program.inner.code.instance_bytes());
            }
            _ => {}
        }
        Ok(program)
    }

    /// As [`from_file`](Self::from_file), from memory.
    ///
    /// # Errors
    /// [`ErrorKind::NotWasm`], [`ErrorKind::InvalidProgram`], [`ErrorKind::UnknownImport`] and
    /// [`ErrorKind::LimitExceeded`].
    pub fn from_bytes(engine: &Engine, name: &str, bytes: &[u8]) -> Result<Program> {
        Program::load(engine, name.to_owned(), name, bytes)
    }

    /// Loads a file with the output of [`precompile`](Self::precompile), in a fraction of a millisecond.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] and [`ErrorKind::Io`]; [`ErrorKind::InvalidProgram`] if it was made
    /// by another version or with other settings.
    ///
    /// # Safety
    /// The file is native code and runs with all rights of this process, outside any sandbox. It
    /// must come from `precompile` and from a source that you trust, and it must not be changed
    /// while a process runs it.
    #[allow(
        unsafe_code,
        reason = "precompiled code cannot be checked, so its caller must vouch for it"
    )]
    pub unsafe fn from_precompiled_file(
        engine: &Engine,
        path: impl AsRef<Path>,
    ) -> Result<Program> {
        let path = path.as_ref();
        let shown = path.display().to_string();
        // This checks only the form: the caller must vouch for the content of a file of this form.
        let form = isopod_file::open(path)
            .map_err(|error| unreadable(path, error))
            .map(|_| wasmtime::Engine::detect_precompiled_file(path))?;
        if !matches!(form, Ok(Some(Precompiled::Component))) {
            return Err(Error::new(
                ErrorKind::InvalidProgram,
                format!("`{shown}` holds no precompiled program"),
            ));
        }
        // SAFETY: the caller vouches for the file.
        let component = unsafe { code_cache::load(&engine.machinery().wasmtime, path) };
        let component = component.map_err(|error| Refusal::of_engine(&error).error(&shown))?;
        // The size of its instances is unknown; the program is trusted.
        Program::link(engine, stem(path), &shown, component, 0, Origin::Native)
    }

    /// The compiled code, for [`from_precompiled_file`](Self::from_precompiled_file).
    ///
    /// # Errors
    /// [`ErrorKind::Engine`] if it cannot be serialised.
    pub fn precompile(&self) -> Result<Vec<u8>> {
        self.component().serialize().map_err(|error| {
            Error::new(ErrorKind::Engine, "the code could not be serialised").with_cause(error)
        })
    }

    /// The program's name: that of its file without the extension, unless it was loaded with another one.
    pub fn name(&self) -> &str {
        self.inner.code.name()
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    /// Whether it has no main function, but functions that are called through a
    /// [`Plugin`](crate::plugin::Plugin).
    pub fn is_plugin(&self) -> bool {
        self.inner.command.is_none()
    }

    /// The main function.
    ///
    /// # Errors
    /// For a plugin: the error says how to call it instead.
    pub(crate) fn command(&self) -> Result<&CommandPre<State>> {
        self.inner.command.as_ref().ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidProgram,
                format!(
                    "`{}` is a plugin: it has no main function to be run; its functions are called with `Plugin` or `isopod call`",
                    self.name()
                ),
            )
        })
    }

    pub(crate) fn instance(&self) -> &InstancePre<State> {
        &self.inner.instance
    }

    pub(crate) fn component(&self) -> &Component {
        self.inner.code.component()
    }

    /// Its code, which each process of it holds.
    pub(crate) fn code(&self) -> &Arc<Code> {
        &self.inner.code
    }

    fn load(engine: &Engine, name: String, shown: &str, bytes: &[u8]) -> Result<Program> {
        check_kind(bytes, shown)?;
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        engine.machinery().compiler.check_size(length, shown)?;
        let instances = isopod_component::instances(bytes);
        instance_limits::check(&instances, shown, engine.is_pooled())?;
        let component = engine.machinery().compile(bytes, shown)?;
        let instance_bytes = instances.bytes;
        let origin = Origin::Read(isopod_component::task_names(bytes));
        Program::link(engine, name, shown, component, instance_bytes, origin)
    }

    fn link(
        engine: &Engine,
        name: String,
        shown: &str,
        component: Component,
        instance_bytes: u64,
        origin: Origin,
    ) -> Result<Program> {
        let taken = engine.machinery().descriptors.take(1).map_err(|refused| {
            let text = format!("`{shown}` cannot be loaded: {refused}");
            Error::at_limit(LimitKind::Descriptors, text)
        })?;
        let pre = engine
            .linker()
            .instantiate_pre(&component)
            .map_err(|error| {
                Error::new(
                    ErrorKind::UnknownImport,
                    format!("`{shown}` imports something that this host does not provide"),
                )
                .with_cause(told(error.as_ref()))
            })?;
        let command = CommandPre::new(pre.clone());
        let command = match command {
            Ok(command) => Some(command),
            Err(_) if exports_functions(&component) => None,
            Err(error) => {
                return Err(Error::new(
                    ErrorKind::InvalidProgram,
                    format!(
                        "`{shown}` is no program: it does not export `wasi:cli/run`, which each program with a main function does"
                    ),
                )
                .with_cause(told(error.as_ref())));
            }
        };
        let code = Code::new(name, component, instance_bytes, origin, taken);
        Ok(Program {
            inner: Arc::new(Inner {
                engine: engine.clone(),
                code: Arc::new(code),
                instance: pre,
                command,
            }),
        })
    }
}

/// Refuses bytes that cannot be a program, by the first of them.
fn check_kind(bytes: &[u8], shown: &str) -> Result<()> {
    match isopod_component::kind_of(bytes) {
        Kind::CoreModule | Kind::Component => Ok(()),
        Kind::OtherVersion(version) => {
            let cause = isopod_component::Error::Version(version);
            let text = format!("`{shown}` is not a valid program");
            Err(Error::new(ErrorKind::InvalidProgram, text).with_cause(cause))
        }
        Kind::NotWasm => Err(Error::new(
            ErrorKind::NotWasm,
            format!(
                "`{shown}` is not a WebAssembly component or module: {}",
                beginning(bytes)
            ),
        )),
    }
}

/// Whether the component exports a function that can be called, by itself or in an interface.
fn exports_functions(component: &Component) -> bool {
    let engine = component.engine();
    let kind = component.component_type();
    kind.exports(engine).any(|(_, export)| match export.ty {
        ComponentItem::ComponentFunc(_) => true,
        ComponentItem::ComponentInstance(interface) => interface
            .exports(engine)
            .any(|(_, export)| matches!(export.ty, ComponentItem::ComponentFunc(_))),
        _ => false,
    })
}

/// The first of the bytes, for people.
fn beginning(bytes: &[u8]) -> String {
    let start: String = bytes
        .iter()
        .take(8)
        .flat_map(|byte| byte.escape_ascii())
        .map(char::from)
        .collect();
    match start.is_empty() {
        true => "it is empty".to_owned(),
        false => format!("it begins with `{start}`"),
    }
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    let path = path.display();
    match error.kind() {
        std::io::ErrorKind::NotFound => {
            Error::new(ErrorKind::NotFound, format!("`{path}` does not exist"))
        }
        _ => Error::new(ErrorKind::Io, format!("`{path}` cannot be read")).with_cause(error),
    }
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default()
}
