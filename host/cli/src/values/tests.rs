//! Examples, and properties over generated texts: a value given on the command line must never
//! make isopod panic or use memory without bound.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use proptest::prelude::*;

fn cores(text: &str) -> Result<Vec<usize>, String> {
    text.parse::<CoreList>()
        .map(|list| list.numbers().to_vec())
        .map_err(|error| error.to_string())
}

#[test]
fn core_lists() {
    assert_eq!(cores("0-3,6"), Ok(vec![0, 1, 2, 3, 6]));
    assert_eq!(cores("6, 1-2 ,1"), Ok(vec![1, 2, 6]));
    assert_eq!(cores("1023"), Ok(vec![1023]));
    assert_eq!(
        cores("3-1"),
        Err("the range `3-1` runs backwards".to_owned())
    );
    assert_eq!(
        cores("0-99999999999999999999999"),
        Err("core 99999999999999999999999 is larger than the limit of 1023".to_owned())
    );
    for text in ["", ",", "1,", "-1", "1-", "+1", "0x1", "1-2-3", "a", "١"] {
        let error = cores(text).unwrap_err();
        assert!(error.contains("is not a core number"), "{text:?}: {error}");
    }
}

#[test]
fn directories() {
    let grant = |text: &str| {
        text.parse::<DirectoryGrant>()
            .map(|grant| (grant.host().to_owned(), grant.guest().to_owned()))
    };
    assert_eq!(grant("a/b"), Ok(("a/b".into(), "a/b".to_owned())));
    assert_eq!(grant("/x::/y"), Ok(("/x".into(), "/y".to_owned())));
    assert_eq!(grant("/x::/y::z"), Ok(("/x".into(), "/y::z".to_owned())));
    assert_eq!(grant("a:b"), Ok(("a:b".into(), "a:b".to_owned())));
    for text in ["", "::", "::/y", "/x::", "a\0b"] {
        assert!(grant(text).is_err(), "{text:?}");
    }
}

#[test]
fn environment_entries() {
    let set = |name: &str, value: &str| {
        Ok(EnvironmentEntry::Set {
            name: name.to_owned(),
            value: value.to_owned(),
        })
    };
    assert_eq!("A=b".parse(), set("A", "b"));
    assert_eq!("A=".parse(), set("A", ""));
    assert_eq!("A=b=c".parse(), set("A", "b=c"));
    assert_eq!("A".parse(), Ok(EnvironmentEntry::Inherit("A".to_owned())));
    for text in ["", "=", "=b", "A=\0"] {
        assert!(text.parse::<EnvironmentEntry>().is_err(), "{text:?}");
    }
}

#[test]
fn sizes_and_times() {
    let bytes = |text: &str| text.parse::<ByteCount>().map(ByteCount::bytes);
    assert_eq!(bytes("256MiB"), Ok(256 << 20));
    assert_eq!(bytes("1.5 GB"), Ok(1_500_000_000));
    assert_eq!(bytes("65536"), Ok(65_536));
    for text in ["", "0", "0.2", "-1", "MiB", "12 parsecs", "NaN", "inf"] {
        assert!(bytes(text).is_err(), "{text:?}");
    }
    let time = |text: &str| text.parse::<Timeout>().map(Timeout::duration);
    assert_eq!(time("30s"), Ok(Duration::from_secs(30)));
    assert_eq!(time("1m 500ms"), Ok(Duration::from_millis(60_500)));
    for text in ["", "0s", "30", "-1s", "1 fortnight"] {
        assert!(time(text).is_err(), "{text:?}");
    }
    assert_eq!(
        "256MiB".parse::<ByteCount>().unwrap().to_string(),
        "256 MiB"
    );
    assert_eq!("90s".parse::<Timeout>().unwrap().to_string(), "1m 30s");
}

proptest! {
    #[test]
    fn a_written_core_list_reads_back(numbers in prop::collection::btree_set(0..=LARGEST_CORE, 1..40)) {
        let singles: Vec<String> = numbers.iter().map(usize::to_string).collect();
        let wanted: Vec<usize> = numbers.iter().copied().collect();
        prop_assert_eq!(cores(&singles.join(",")), Ok(wanted));
    }

    #[test]
    fn a_range_holds_what_lies_between(first in 0..=LARGEST_CORE, last in 0..=LARGEST_CORE) {
        let read = cores(&format!("{first}-{last}"));
        if first <= last {
            prop_assert_eq!(read, Ok((first..=last).collect()));
        } else {
            prop_assert!(read.is_err());
        }
    }

    #[test]
    fn any_text_gives_a_sound_list_or_an_error(text in "[0-9,\\- a]{0,40}|\\PC{0,20}") {
        if let Ok(numbers) = cores(&text) {
            prop_assert!(!numbers.is_empty());
            prop_assert!(numbers.windows(2).all(|pair| pair.first() < pair.last()));
            prop_assert!(numbers.iter().all(|number| *number <= LARGEST_CORE));
        }
    }

    #[test]
    fn any_text_gives_a_value_or_an_error(text in "[0-9.]{0,24} ?[a-zA-Z]{0,4}|\\PC{0,20}") {
        if let Ok(size) = text.parse::<ByteCount>() {
            prop_assert!(size.bytes() > 0);
        }
        if let Ok(cpus) = text.parse::<Cpus>() {
            prop_assert!(cpus.number() >= 0.001);
        }
        if let Ok(timeout) = text.parse::<Timeout>() {
            prop_assert!(!timeout.duration().is_zero());
        }
    }

    #[test]
    fn a_directory_is_taken_as_written(host in "[a-z/.]{1,12}", guest in "[a-z/.]{1,12}") {
        let grant: DirectoryGrant = format!("{host}::{guest}").parse().unwrap();
        prop_assert_eq!(grant.host(), Path::new(&host));
        prop_assert_eq!(grant.guest(), &guest);
    }
}
