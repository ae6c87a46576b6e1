struct Plain;

fn task() -> Plain {
    Plain
}

fn main() -> isopod::Result<()> {
    isopod::Process::spawn(task, ())?;
    Ok(())
}
