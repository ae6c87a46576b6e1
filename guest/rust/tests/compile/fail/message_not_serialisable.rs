struct Plain;

fn main() -> Result<(), isopod::Error> {
    isopod::Queue::new()?.put(&Plain)
}
