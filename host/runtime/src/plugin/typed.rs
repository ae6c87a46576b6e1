//! Functions of any interface that a component exports, called with JSON.

use super::instance::Instance;
use super::json;
use super::plugin::Plugin;
use super::pool::PluginPool;
use super::request::Input;
use crate::error::{Error, ErrorKind, Result};
use crate::guest::spelling::signature;
use crate::guest::{OF, PluginExport, exports};
use crate::limits::{LONGEST_STATUS_BYTES, cut};
use serde_json::Value;
use std::time::{Duration, Instant};
use wasmtime::component::types::ComponentFunc;
use wasmtime::component::{Func, Type, Val};

impl Plugin {
    /// The functions that its component exports, with their types, by name.
    pub fn exports(&self) -> Vec<PluginExport> {
        exports(&self.program())
    }

    /// Calls an exported function of the component with typed values, in the caller's thread. `arguments` is
    /// an array with a value for each parameter, or an object with the names of the parameters. The bare name
    /// of a function is enough if only one interface has it.
    ///
    /// Values are as in JSON where possible: a record is an object, a list or tuple an array, an enum its
    /// case as a string, a variant `{"case": payload}`, an option null or its value, a result `{"ok": value}`
    /// or `{"err": value}`, flags an array of strings. If the function's return type is a result, the call
    /// returns its value, or the error [`ErrorKind::FunctionFailed`].
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if no function has this name; [`ErrorKind::InvalidInput`] if the arguments do
    /// not fit the function; [`ErrorKind::FunctionFailed`] with its error as JSON; else the errors of
    /// [`call_here`](Self::call_here).
    pub fn call_typed_here(&self, function: &str, arguments: &Value) -> Result<Value> {
        self.here(None, |instance, begun, last| {
            call(instance, function, arguments, begun, last)
        })
    }

    /// As [`call_typed_here`](Self::call_typed_here), but ends the call when `timeout` has passed, if no
    /// limit has ended it before.
    ///
    /// # Errors
    /// As [`call_typed_here`](Self::call_typed_here).
    pub fn call_typed_here_timeout(
        &self,
        function: &str,
        arguments: &Value,
        timeout: Duration,
    ) -> Result<Value> {
        self.here(Some(timeout), |instance, begun, last| {
            call(instance, function, arguments, begun, last)
        })
    }
}

/// Calls with typed values, in each form that [`PluginPool::call`] has.
impl PluginPool {
    /// Calls an exported function of the component with typed values, in a worker. Arguments and results are
    /// as in [`Plugin::call_typed_here`].
    ///
    /// ```no_run
    /// # fn example(pool: &isopod_host::plugin::PluginPool) -> isopod_host::Result<()> {
    /// let sum = pool.call_typed("docs:adder/add@0.1.0#add", serde_json::json!([1, 2]))?;
    /// assert_eq!(sum, 3);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The errors of [`Plugin::call_typed_here`]; [`ErrorKind::QueueFull`].
    pub fn call_typed(&self, function: &str, arguments: Value) -> Result<Value> {
        self.run(function, Input::Typed(arguments), None)?
            .into_typed()
    }

    /// As [`call_typed`](Self::call_typed), but fails at once if the queue is full.
    ///
    /// # Errors
    /// As [`call_typed`](Self::call_typed).
    pub fn try_call_typed(&self, function: &str, arguments: Value) -> Result<Value> {
        self.try_run(function, Input::Typed(arguments))?
            .into_typed()
    }

    /// As [`call_typed`](Self::call_typed), but takes no longer than `timeout` in all, as in
    /// [`call_timeout`](Self::call_timeout).
    ///
    /// # Errors
    /// As [`call_typed`](Self::call_typed); [`ErrorKind::Deadline`].
    pub fn call_typed_timeout(
        &self,
        function: &str,
        arguments: Value,
        timeout: Duration,
    ) -> Result<Value> {
        let input = Input::Typed(arguments);
        self.run(function, input, Some(timeout))?.into_typed()
    }

    /// As [`call_typed`](Self::call_typed), for an asynchronous embedder. Dropping the future withdraws the
    /// call, or ends it if it runs.
    ///
    /// # Errors
    /// As [`call_typed`](Self::call_typed).
    pub async fn call_typed_async(&self, function: &str, arguments: Value) -> Result<Value> {
        let input = Input::Typed(arguments);
        self.run_async(function, input).await?.into_typed()
    }
}

pub(super) fn call(
    instance: &mut Instance,
    function: &str,
    arguments: &Value,
    begun: Instant,
    last: Option<Instant>,
) -> Result<Value> {
    let function = find(instance, function)?;
    let (_, store) = instance.component()?;
    let kind = function.ty(&*store);
    let parameters =
        parameters(&kind, arguments).map_err(|text| Error::new(ErrorKind::InvalidInput, text))?;
    let mut results = vec![Val::Bool(false); kind.results().len()];
    instance.run(begun, last, async |store| {
        function.call_async(store, &parameters, &mut results).await
    })?;
    let failed = |text: String| {
        let text = cut(text, LONGEST_STATUS_BYTES);
        Error::new(ErrorKind::FunctionFailed, text)
    };
    let side = |value: &Option<Box<Val>>| match value {
        Some(value) => json::of_val(value),
        None => Ok(Value::Null),
    };
    let given = match results.first() {
        None => Ok(Value::Null),
        Some(Val::Result(Ok(value))) => side(value),
        Some(Val::Result(Err(error))) => {
            let text = match side(error).map_err(failed)? {
                Value::String(text) => text,
                other => other.to_string(),
            };
            return Err(failed(text));
        }
        Some(value) => json::of_val(value),
    };
    given.map_err(failed)
}

/// The values of the parameters.
fn parameters(function: &ComponentFunc, arguments: &Value) -> Result<Vec<Val>, String> {
    let expected = || {
        let text = "it takes an array of its arguments, or an object with their names";
        format!("{text}: `{}`", signature(function))
    };
    let value = |(position, (name, kind)): (usize, (&str, Type))| {
        let json = match arguments {
            Value::Array(values) => values.get(position),
            Value::Object(object) => object.get(name),
            _ => None,
        };
        json::to_val(json.unwrap_or(&Value::Null), &kind)
            .map_err(|error| format!("argument `{name}`: {error}; {}", expected()))
    };
    let count = match arguments {
        Value::Array(values) => values.len(),
        Value::Object(object) => {
            let mut names = object.keys();
            if let Some(unknown) =
                names.find(|key| !function.params().any(|(name, _)| name == key.as_str()))
            {
                return Err(format!("no argument is named `{unknown}`; {}", expected()));
            }
            function.params().len()
        }
        _ => return Err(expected()),
    };
    if count != function.params().len() {
        return Err(expected());
    }
    function.params().enumerate().map(value).collect()
}

/// The function with this full name, or with this name as its last part.
fn find(instance: &mut Instance, wanted: &str) -> Result<Func> {
    if let Some((_, known)) = instance.typed.iter().find(|(name, _)| name == wanted) {
        return Ok(*known);
    }
    let all = exports(&instance.version().program.clone());
    let last_part = |name: &str| name.rsplit(OF).next() == Some(wanted);
    let whole = all.iter().find(|export| export.name == wanted);
    let mut ending = all.iter().filter(|export| last_part(&export.name));
    let name = match (whole, ending.next(), ending.next()) {
        (Some(whole), _, _) => &whole.name,
        (None, Some(only), None) => &only.name,
        (None, Some(_), Some(_)) => return Err(no_such(wanted, "several interfaces have", &all)),
        (None, None, _) => return Err(no_such(wanted, "the component exports no", &all)),
    };
    let (component, store) = instance.component()?;
    let index = match name.split_once(OF) {
        Some((interface, function)) => component
            .get_export_index(&mut *store, None, interface)
            .and_then(|interface| {
                component.get_export_index(&mut *store, Some(&interface), function)
            }),
        None => component.get_export_index(&mut *store, None, name),
    };
    let function = index.and_then(|index| component.get_func(&mut *store, index));
    let function = function.ok_or_else(|| no_such(wanted, "the component exports no", &all))?;
    instance.typed.push((wanted.to_owned(), function));
    Ok(function)
}

fn no_such(wanted: &str, what: &str, all: &[PluginExport]) -> Error {
    /// The largest number of functions that an error names.
    const LISTED: usize = 20;
    let listed: Vec<String> = all
        .iter()
        .take(LISTED)
        .map(|export| format!("`{}`", export.name))
        .collect();
    let listed = match listed.is_empty() {
        true => "none".to_owned(),
        false => listed.join(", "),
    };
    let wanted: String = wanted.chars().take(200).collect();
    Error::new(
        ErrorKind::NotFound,
        format!("{what} function `{wanted}`; there are: {listed}"),
    )
}
