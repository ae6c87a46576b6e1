struct Opaque;

#[isopod::task]
fn task(_: u32) -> Opaque {
    Opaque
}

fn main() {}
