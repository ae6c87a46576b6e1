//! Converts between JSON and the values of components, by the function's types.
//!
//! | WIT | JSON |
//! |---|---|
//! | `bool`, integers, `f32`, `f64`, `string`, `char` | itself; `"nan"`, `"inf"` and `"-inf"` for numbers outside JSON |
//! | `list`, `tuple` | array |
//! | `record` | object |
//! | `enum` | its case as a string |
//! | `variant` | `"case"`, or `{"case": payload}` |
//! | `option` | `null` or the value; inside of another option `{"some": value}` |
//! | `result` | `{"ok": value}` or `{"err": value}` |
//! | `flags` | array of strings |
//! | `map` | array of pairs |
//!
//! Resources, streams and futures have no form in JSON.

use crate::guest::spelling::name;
use serde_json::{Map, Number, Value};
use wasmtime::component::{Type, Val};

/// The deepest nesting of values; JSON's own reader has a bound too.
const DEEPEST: usize = 128;

/// Converts a JSON value to a value of this type.
///
/// # Errors
/// A text that says what is wrong with the value, and where.
pub(crate) fn to_val(json: &Value, kind: &Type) -> Result<Val, String> {
    to_val_at(json, kind, DEEPEST)
}

fn to_val_at(json: &Value, kind: &Type, depth: usize) -> Result<Val, String> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(format!("values are nested deeper than {DEEPEST}"));
    };
    let inner = |json: &Value, kind: &Type| to_val_at(json, kind, depth);
    let wrong = || format!("{} is no `{}`", shown(json), name(kind));
    let all = |values: &[Value], kind: &Type| -> Result<Vec<Val>, String> {
        values.iter().map(|value| inner(value, kind)).collect()
    };
    Ok(match kind {
        Type::Bool => Val::Bool(json.as_bool().ok_or_else(wrong)?),
        Type::S8 => Val::S8(integer(json).ok_or_else(wrong)?),
        Type::U8 => Val::U8(integer(json).ok_or_else(wrong)?),
        Type::S16 => Val::S16(integer(json).ok_or_else(wrong)?),
        Type::U16 => Val::U16(integer(json).ok_or_else(wrong)?),
        Type::S32 => Val::S32(integer(json).ok_or_else(wrong)?),
        Type::U32 => Val::U32(integer(json).ok_or_else(wrong)?),
        Type::S64 => Val::S64(integer(json).ok_or_else(wrong)?),
        Type::U64 => Val::U64(integer(json).ok_or_else(wrong)?),
        #[allow(
            clippy::cast_possible_truncation,
            reason = "a number of JSON is rounded to what the function takes"
        )]
        Type::Float32 => Val::Float32(float(json).ok_or_else(wrong)? as f32),
        Type::Float64 => Val::Float64(float(json).ok_or_else(wrong)?),
        Type::Char => {
            let mut letters = json.as_str().ok_or_else(wrong)?.chars();
            match (letters.next(), letters.next()) {
                (Some(letter), None) => Val::Char(letter),
                _ => return Err(wrong()),
            }
        }
        Type::String => Val::String(json.as_str().ok_or_else(wrong)?.to_owned()),
        Type::List(list) => Val::List(all(json.as_array().ok_or_else(wrong)?, &list.ty())?),
        Type::FixedLengthList(list) => {
            let values = json.as_array().ok_or_else(wrong)?;
            if u32::try_from(values.len()) != Ok(list.len()) {
                return Err(wrong());
            }
            Val::FixedLengthList(all(values, &list.ty())?)
        }
        Type::Map(map) => {
            let pairs = json.as_array().ok_or_else(wrong)?;
            let pair = |pair: &Value| match pair.as_array().map(Vec::as_slice) {
                Some([key, value]) => Ok((inner(key, &map.key())?, inner(value, &map.value())?)),
                _ => Err(wrong()),
            };
            Val::Map(pairs.iter().map(pair).collect::<Result<_, _>>()?)
        }
        Type::Record(record) => {
            let object = json.as_object().ok_or_else(wrong)?;
            if let Some(unknown) = object
                .keys()
                .find(|key| !record.fields().any(|field| field.name == key.as_str()))
            {
                return Err(format!("`{}` has no field `{unknown}`", name(kind)));
            }
            let fields = record.fields().map(|field| {
                // An absent field is null, which is an option without a value.
                let value = object.get(field.name).unwrap_or(&Value::Null);
                let value = inner(value, &field.ty)
                    .map_err(|error| format!("field `{}`: {error}", field.name))?;
                Ok((field.name.to_owned(), value))
            });
            Val::Record(fields.collect::<Result<_, String>>()?)
        }
        Type::Tuple(tuple) => {
            let values = json.as_array().ok_or_else(wrong)?;
            if values.len() != tuple.types().len() {
                return Err(wrong());
            }
            let values = values.iter().zip(tuple.types());
            let values = values.map(|(value, kind)| inner(value, &kind));
            Val::Tuple(values.collect::<Result<_, _>>()?)
        }
        Type::Variant(variant) => {
            let (case, payload) = case_of(json).ok_or_else(wrong)?;
            let found = variant.cases().find(|found| found.name == case);
            match (found.ok_or_else(wrong)?.ty, payload) {
                (Some(kind), Some(payload)) => {
                    Val::Variant(case.to_owned(), Some(Box::new(inner(payload, &kind)?)))
                }
                (None, None | Some(Value::Null)) => Val::Variant(case.to_owned(), None),
                _ => return Err(wrong()),
            }
        }
        Type::Enum(cases) => {
            let case = json.as_str().ok_or_else(wrong)?;
            if !cases.names().any(|name| name == case) {
                return Err(wrong());
            }
            Val::Enum(case.to_owned())
        }
        Type::Option(option) => match (json, option.ty()) {
            (Value::Null, _) => Val::Option(None),
            (json, kind @ Type::Option(_)) => {
                let value = json.get("some").ok_or_else(wrong)?;
                Val::Option(Some(Box::new(inner(value, &kind)?)))
            }
            (json, kind) => Val::Option(Some(Box::new(inner(json, &kind)?))),
        },
        Type::Result(result) => {
            let side = |payload: Option<&Value>, kind: Option<Type>| match (payload, kind) {
                (Some(payload), Some(kind)) => Ok(Some(Box::new(inner(payload, &kind)?))),
                (None | Some(Value::Null), None) => Ok(None),
                _ => Err(wrong()),
            };
            match case_of(json).ok_or_else(wrong)? {
                ("ok", payload) => Val::Result(Ok(side(payload, result.ok())?)),
                ("err", payload) => Val::Result(Err(side(payload, result.err())?)),
                _ => return Err(wrong()),
            }
        }
        Type::Flags(flags) => {
            let set = json.as_array().ok_or_else(wrong)?;
            let set = set.iter().map(|flag| {
                let flag = flag.as_str().ok_or_else(wrong)?;
                match flags.names().any(|name| name == flag) {
                    true => Ok(flag.to_owned()),
                    false => Err(wrong()),
                }
            });
            Val::Flags(set.collect::<Result<_, _>>()?)
        }
        Type::Own(_) | Type::Borrow(_) | Type::Future(_) | Type::Stream(_) | Type::ErrorContext => {
            return Err(format!("a `{}` has no JSON", name(kind)));
        }
    })
}

/// Converts a value to JSON.
///
/// # Errors
/// The value has no form in JSON.
pub(crate) fn of_val(value: &Val) -> Result<Value, String> {
    let all = |values: &[Val]| values.iter().map(of_val).collect::<Result<Vec<_>, _>>();
    let boxed = |value: &Option<Box<Val>>| match value {
        Some(value) => of_val(value),
        None => Ok(Value::Null),
    };
    Ok(match value {
        Val::Bool(value) => Value::from(*value),
        Val::S8(value) => Value::from(*value),
        Val::U8(value) => Value::from(*value),
        Val::S16(value) => Value::from(*value),
        Val::U16(value) => Value::from(*value),
        Val::S32(value) => Value::from(*value),
        Val::U32(value) => Value::from(*value),
        Val::S64(value) => Value::from(*value),
        Val::U64(value) => Value::from(*value),
        Val::Float32(value) => of_float(f64::from(*value)),
        Val::Float64(value) => of_float(*value),
        Val::Char(value) => Value::from(value.to_string()),
        Val::String(value) => Value::from(value.as_str()),
        Val::List(values) | Val::FixedLengthList(values) | Val::Tuple(values) => {
            Value::Array(all(values)?)
        }
        Val::Map(pairs) => {
            let pairs = pairs
                .iter()
                .map(|(key, value)| Ok(Value::Array(vec![of_val(key)?, of_val(value)?])));
            Value::Array(pairs.collect::<Result<_, String>>()?)
        }
        Val::Record(fields) => {
            let fields = fields
                .iter()
                .map(|(name, value)| Ok((name.clone(), of_val(value)?)));
            Value::Object(fields.collect::<Result<Map<_, _>, String>>()?)
        }
        Val::Variant(case, None) | Val::Enum(case) => Value::from(case.as_str()),
        Val::Variant(case, Some(payload)) => single(case, of_val(payload)?),
        Val::Option(None) => Value::Null,
        Val::Option(Some(value)) => match &**value {
            Val::Option(_) => single("some", of_val(value)?),
            value => of_val(value)?,
        },
        Val::Result(Ok(value)) => single("ok", boxed(value)?),
        Val::Result(Err(value)) => single("err", boxed(value)?),
        Val::Flags(set) => {
            Value::Array(set.iter().map(|flag| Value::from(flag.as_str())).collect())
        }
        Val::Resource(_) | Val::Future(_) | Val::Stream(_) | Val::ErrorContext(_) => {
            return Err("a resource, stream or future has no JSON".to_owned());
        }
    })
}

/// The JSON itself, for an error text; only its beginning, if it is long.
fn shown(json: &Value) -> String {
    /// In characters.
    const LONGEST: usize = 60;
    let text = json.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("`{}...`", text.get(..end).unwrap_or_default()),
        None => format!("`{text}`"),
    }
}

fn single(key: &str, value: Value) -> Value {
    Value::Object(Map::from_iter([(key.to_owned(), value)]))
}

/// The case that a string or an object of one entry names.
fn case_of(json: &Value) -> Option<(&str, Option<&Value>)> {
    match json {
        Value::String(case) => Some((case, None)),
        Value::Object(object) if object.len() == 1 => object
            .iter()
            .next()
            .map(|(case, payload)| (case.as_str(), Some(payload))),
        _ => None,
    }
}

fn integer<T: TryFrom<i64> + TryFrom<u64>>(json: &Value) -> Option<T> {
    match (json.as_u64(), json.as_i64()) {
        (Some(number), _) => T::try_from(number).ok(),
        (None, Some(number)) => T::try_from(number).ok(),
        (None, None) => None,
    }
}

fn float(json: &Value) -> Option<f64> {
    match json.as_str() {
        Some("nan") => Some(f64::NAN),
        Some("inf") => Some(f64::INFINITY),
        Some("-inf") => Some(f64::NEG_INFINITY),
        Some(_) => None,
        None => json.as_f64(),
    }
}

fn of_float(value: f64) -> Value {
    match Number::from_f64(value) {
        Some(number) => Value::Number(number),
        None if value.is_nan() => Value::from("nan"),
        None if value > 0.0 => Value::from("inf"),
        None => Value::from("-inf"),
    }
}
