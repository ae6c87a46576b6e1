fn task() {}

fn main() -> isopod::Result<()> {
    let pointer: fn() = task;
    isopod::Process::spawn(pointer, ())?.join()
}
