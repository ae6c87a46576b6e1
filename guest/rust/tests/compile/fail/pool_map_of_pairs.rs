fn main() -> isopod::Result<()> {
    let pool = isopod::Pool::new()?;
    pool.map(|a: u64, b: u64| a * b, [(1, 2), (3, 4)])?;
    Ok(())
}
