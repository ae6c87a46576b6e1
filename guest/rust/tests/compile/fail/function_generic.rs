#[isopod::function]
fn same<T>(value: T) -> T {
    value
}

#[isopod::function]
fn shown(value: impl std::fmt::Display) -> String {
    value.to_string()
}

fn main() {}
