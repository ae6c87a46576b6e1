fn main() -> isopod::Result<()> {
    let factor = std::env::args().count() as u64;
    let pool = isopod::Pool::new()?;
    pool.map(move |number: u64| number * factor, 0..10)?;
    Ok(())
}
