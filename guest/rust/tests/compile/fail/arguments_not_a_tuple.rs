fn task(_: u32) {}

fn main() -> isopod::Result<()> {
    isopod::Process::spawn(task, 1)?.join()
}
