//! Sizes of limits, exactly.

/// A number of bytes, so that it reads back as the same number: in a unit only where that leaves no remainder.
///
/// ```
/// use isopod_text::size;
/// assert_eq!(size(64 << 20), "64 MiB");
/// assert_eq!(size(3 << 19), "1536 KiB");
/// assert_eq!(size(10_000), "10000 bytes");
/// assert_eq!(size(1), "1 byte");
/// ```
#[must_use]
pub fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let unit = UNITS
        .into_iter()
        .find(|(unit, _)| bytes > 0 && bytes.is_multiple_of(*unit));
    match (unit, bytes) {
        (Some((unit, name)), _) => format!("{} {name}", bytes / unit),
        (None, 1) => "1 byte".to_owned(),
        (None, _) => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::panic,
        reason = "a failed unwrap is a failed test"
    )]
    use super::*;

    #[test]
    fn each_size_reads_back_as_it_was() {
        let near = (0..64).flat_map(|bits| {
            let power = 1_u64 << bits;
            [
                power - 1,
                power,
                power.saturating_add(1),
                power / 1_000 * 1_000,
            ]
        });
        for bytes in near.chain([9_000, 10_000, 1_500_000_000, u64::MAX]) {
            let text = size(bytes);
            let (number, unit) = text.split_once(' ').unwrap();
            let unit = match unit {
                "byte" | "bytes" => 1,
                "KiB" => 1 << 10,
                "MiB" => 1 << 20,
                "GiB" => 1 << 30,
                other => panic!("{other}"),
            };
            assert_eq!(number.parse::<u64>().unwrap() * unit, bytes, "{text}");
        }
    }
}
