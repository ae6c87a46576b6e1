fn main() -> Result<(), isopod::Error> {
    let number = std::env::args().count();
    isopod::Process::spawn(move || println!("{number}"), ())?.join()
}
