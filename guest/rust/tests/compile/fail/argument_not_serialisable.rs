struct Plain;

fn task(_: Plain) {}

fn main() -> isopod::Result<()> {
    isopod::Process::spawn(task, (Plain,))?.join()
}
