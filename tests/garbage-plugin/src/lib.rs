//! A plugin whose doors are written by hand, and break the rules of components.

// For the types in the module's metadata; this file writes the exports itself.
wit_bindgen::generate!({
    path: "../../wit",
    world: "plugin",
});

/// The place from which the host reads the results of calls. Only the one thread writes it.
static mut RESULT: [u32; 8] = [0; 8];

/// The names of the functions, for `describe`.
static NAMES: [&str; 6] = [
    "pointer",
    "discriminant",
    "text",
    "length",
    "handle",
    "stack",
];

fn result(words: [u32; 8]) -> *const u32 {
    unsafe {
        RESULT = words;
        (&raw const RESULT).cast()
    }
}

fn address<T>(of: *const T) -> u32 {
    of as usize as u32
}

/// Each function has an empty text. The variable `DESCRIBE` selects a list that the host must refuse, or a
/// call without an answer.
#[unsafe(export_name = "isopod:multiprocessing/functions@0.1.0#describe")]
extern "C" fn describe() -> *const u32 {
    let names: Vec<&str> = match std::env::var("DESCRIBE").as_deref() {
        Ok("loop") => loop {
            std::hint::black_box(());
        },
        Ok("twice") => vec!["a", "a"],
        Ok("empty") => vec![""],
        Ok("many") => vec!["a"; 20_000],
        Ok("trap") => std::process::abort(),
        _ => NAMES.to_vec(),
    };
    let words: Vec<u32> = names
        .iter()
        .flat_map(|name| [address(name.as_ptr()), name.len() as u32, 0, 0])
        .collect();
    let list = words.leak();
    result([address(list.as_ptr()), names.len() as u32, 0, 0, 0, 0, 0, 0])
}

/// `name` chooses the error in the result.
#[unsafe(export_name = "isopod:multiprocessing/functions@0.1.0#call")]
extern "C" fn call(
    name: *const u8,
    name_length: usize,
    _input: *const u8,
    _input_length: usize,
    _handles: *const u32,
    _handle_count: usize,
) -> *const u32 {
    let name = unsafe { std::slice::from_raw_parts(name, name_length) };
    const NOT_TEXT: &[u8] = &[0xff, 0xfe];
    match name {
        // Ok, with bytes here, and with handles in the next case.
        b"length" => result([0, 16, u32::MAX / 2, 0, 0, 0, 0, 0]),
        b"handle" => {
            let handles = [4_711_u32].to_vec().leak();
            result([0, 0, 0, address(handles.as_ptr()), 1, 0, 0, 0])
        }
        // An error, whose text is not valid.
        b"text" => result([1, 2, address(NOT_TEXT.as_ptr()), 2, 0, 0, 0, 0]),
        b"discriminant" => result([7, 0, 0, 0, 0, 0, 0, 0]),
        b"stack" => result([0, 0, 0, deep(0), 0, 0, 0, 0]),
        // Outside of the memory.
        _ => usize::MAX as *const u32,
    }
}

/// Endless recursion.
#[inline(never)]
fn deep(level: u32) -> u32 {
    match std::hint::black_box(level) {
        u32::MAX => 0,
        level => deep(level + 1).wrapping_add(1),
    }
}
