fn main() -> isopod::Result<()> {
    let number = std::env::args().count();
    isopod::Process::spawn(move || println!("{number}"), ())?.join()
}
