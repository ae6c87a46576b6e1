fn task(_: u32, _: String) {}

fn main() -> Result<(), isopod::Error> {
    isopod::Process::spawn(task, (1,))?.join()
}
