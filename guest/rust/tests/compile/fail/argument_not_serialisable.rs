struct Plain;

fn task(_: Plain) {}

fn main() -> Result<(), isopod::Error> {
    isopod::Process::spawn(task, (Plain,))?.join()
}
