fn main() -> isopod::Result<()> {
    let (receiver, _sender) = isopod::one_way_pipe::<u32>()?;
    receiver.send(&1)
}
