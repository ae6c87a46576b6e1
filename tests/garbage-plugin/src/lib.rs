//! A plugin whose doors are written by hand, and break the rules of components.

// For the types in the module's metadata; what it would export is written below.
wit_bindgen::generate!({
    path: "../../wit",
    world: "plugin",
});

/// Where the results of calls are read from. Only the one thread writes it.
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

/// Each function has an empty text; or, by a variable, what cannot be believed.
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

/// `name` says what is wrong with the result.
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
        // Ok, with bytes here and handles there.
        b"length" => result([0, 16, u32::MAX / 2, 0, 0, 0, 0, 0]),
        b"handle" => {
            let handles = [4_711_u32].to_vec().leak();
            result([0, 0, 0, address(handles.as_ptr()), 1, 0, 0, 0])
        }
        // An error, whose text is none.
        b"text" => result([1, 2, address(NOT_TEXT.as_ptr()), 2, 0, 0, 0, 0]),
        b"discriminant" => result([7, 0, 0, 0, 0, 0, 0, 0]),
        b"stack" => result([0, 0, 0, deep(0), 0, 0, 0, 0]),
        // Not in memory.
        _ => usize::MAX as *const u32,
    }
}

/// Recursion without an end.
#[inline(never)]
fn deep(level: u32) -> u32 {
    match std::hint::black_box(level) {
        u32::MAX => 0,
        level => deep(level + 1).wrapping_add(1),
    }
}
