fn task() {}

fn main() -> Result<(), isopod::Error> {
    let pointer: fn() = task;
    isopod::Process::spawn(pointer, ())?.join()
}
