fn main() -> isopod::Result<()> {
    let name = String::from("captured");
    isopod::Process::spawn(|| println!("{name}"), ())?.join()
}
