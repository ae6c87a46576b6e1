fn main() -> Result<(), isopod::Error> {
    let name = String::from("captured");
    isopod::Process::spawn(|| println!("{name}"), ())?.join()
}
