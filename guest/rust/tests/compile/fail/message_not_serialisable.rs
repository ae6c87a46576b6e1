struct Plain;

fn main() -> isopod::Result<()> {
    isopod::Queue::new()?.put(&Plain)
}
