fn task(_: u32, _: String) {}

fn main() -> isopod::Result<()> {
    isopod::Process::spawn(task, (1,))?.join()
}
