struct Plain;

fn task() -> Plain {
    Plain
}

fn main() -> Result<(), isopod::Error> {
    isopod::Process::spawn(task, ())?;
    Ok(())
}
