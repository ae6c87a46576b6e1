fn main() -> Result<(), isopod::Error> {
    let (receiver, _sender) = isopod::one_way_pipe::<u32>()?;
    receiver.send(&1)
}
