//! A process that can write the cache cannot make it run anything: forged, swapped and changed entries
//! are compiled anew.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use std::fs::File;

/// A cache with two components in it.
struct Place {
    directory: tempfile::TempDir,
    engine: Engine,
}

const ONE: &[u8] = b"(component)";
const OTHER: &[u8] = b"(component (core module))";

impl Place {
    fn new() -> Place {
        let place = Place {
            directory: tempfile::tempdir().unwrap(),
            engine: Engine::default(),
        };
        for text in [ONE, OTHER] {
            place.compile(text);
        }
        place
    }

    /// Loads the program through the cache, which keeps it.
    fn compile(&self, text: &[u8]) {
        let bytes = wasm(text);
        let compile = || Ok(crate::code::compile::program(&self.engine, &bytes).unwrap());
        self.cache()
            .component(&self.engine, &bytes, compile)
            .unwrap();
    }

    fn cache(&self) -> CodeCache {
        let key = self.directory.path().join("state/cache.key");
        CodeCache::open(self.directory.path().join("cache"), Some(key)).unwrap()
    }

    fn name(&self, text: &[u8]) -> String {
        file_name(&self.engine, &wasm(text))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join("cache").join(name)
    }

    /// Whether the cache accepts an entry.
    fn is_kept(&self, text: &[u8]) -> bool {
        self.cache().kept(&self.engine, &self.name(text)).is_some()
    }

    /// Writes a file there as isopod does, for an attacker who can do everything but make a code.
    fn put(&self, name: &str, bytes: &[u8]) {
        self.cache().write(name, bytes).unwrap();
    }

    /// The seal of an entry.
    fn seal(&self, text: &[u8]) -> String {
        fs::read_to_string(self.path(&format!("{}.seal", self.name(text)))).unwrap()
    }
}

fn wasm(text: &[u8]) -> Vec<u8> {
    wat::parse_bytes(text).unwrap().into_owned()
}

#[test]
fn an_entry_is_believed_and_not_written_again() {
    let place = Place::new();
    assert!(place.is_kept(ONE) && place.is_kept(OTHER));
    let mode = fs::metadata(place.path(&place.name(ONE)))
        .unwrap()
        .permissions();
    assert_eq!(mode.mode() & 0o777, MODE);
}

#[test]
fn a_changed_entry_is_compiled_anew() {
    let place = Place::new();
    let name = place.name(ONE);
    let mut code = fs::read(place.path(&name)).unwrap();
    *code.last_mut().unwrap() ^= 1;
    place.put(&name, &code);
    assert!(!place.is_kept(ONE));
    place.compile(ONE);
    assert!(place.is_kept(ONE), "it was compiled and written");
}

#[test]
fn an_entry_in_the_place_of_another_is_not_believed() {
    let place = Place::new();
    let (one, other) = (place.name(ONE), place.name(OTHER));
    for ending in ["", ".seal"] {
        fs::rename(
            place.path(&format!("{other}{ending}")),
            place.path(&format!("{one}{ending}")),
        )
        .unwrap();
    }
    assert!(!place.is_kept(ONE));
}

#[test]
fn an_entry_without_its_seal_or_of_another_key_is_not_believed() {
    let place = Place::new();
    fs::remove_file(place.path(&format!("{}.seal", place.name(ONE)))).unwrap();
    assert!(!place.is_kept(ONE) && place.is_kept(OTHER));
    fs::remove_file(place.directory.path().join("state/cache.key")).unwrap();
    assert!(!place.is_kept(OTHER));
}

#[test]
fn an_entry_with_other_permissions_or_links_is_not_believed() {
    let place = Place::new();
    let (one, other) = (place.path(&place.name(ONE)), place.path(&place.name(OTHER)));
    fs::set_permissions(&one, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(!place.is_kept(ONE));
    fs::hard_link(&other, place.path("link")).unwrap();
    assert!(!place.is_kept(OTHER));
    fs::remove_file(place.path("link")).unwrap();
    assert!(place.is_kept(OTHER));
    fs::rename(&other, place.path("moved")).unwrap();
    std::os::unix::fs::symlink("moved", &other).unwrap();
    assert!(!place.is_kept(OTHER));
}

#[test]
fn a_forged_note_leads_nowhere() {
    let place = Place::new();
    let cache = place.cache();
    cache.note(&place.engine, "file", &wasm(ONE), 77);
    let found = cache.component_of_file(&place.engine, "file");
    assert!(found.is_some_and(|(_, instance_bytes)| instance_bytes == 77));
    let note = note_name(&place.engine, "file");
    let text = fs::read_to_string(place.path(&note)).unwrap();
    // The other component, which is isopod's own, under the name of this file.
    place.put(
        &note,
        text.replace(&place.name(ONE), &place.name(OTHER))
            .as_bytes(),
    );
    assert!(cache.component_of_file(&place.engine, "file").is_none());
    // Smaller instances.
    place.put(&note, text.replace("77", "7").as_bytes());
    assert!(cache.component_of_file(&place.engine, "file").is_none());
    // The note of this file under the name of another.
    place.put(&note_name(&place.engine, "other"), text.as_bytes());
    assert!(cache.component_of_file(&place.engine, "other").is_none());
    place.put(&note, text.as_bytes());
    assert!(cache.component_of_file(&place.engine, "file").is_some());
}

#[test]
fn a_seal_holds_by_the_state_until_the_file_is_touched() {
    let place = Place::new();
    let (name, key) = (place.name(ONE), place.cache().key);
    let path = place.path(&name);
    let metadata = fs::metadata(&path).unwrap();
    // As if the file had rested when it was checked.
    let sealed = seal::with_state(&key, &name, &place.seal(ONE), &metadata);
    place.put(&format!("{name}.seal"), sealed.as_bytes());
    assert!(matches!(
        seal::opened(&key, path.parent().unwrap(), &name),
        Ok((_, None))
    ));
    // Contents of the same length, and all the times that can be set as they were.
    let mut code = fs::read(&path).unwrap();
    *code.last_mut().unwrap() ^= 1;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&path, &code).unwrap();
    let modified = metadata.modified().unwrap();
    File::options()
        .append(true)
        .open(&path)
        .unwrap()
        .set_modified(modified)
        .unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(MODE)).unwrap();
    assert!(!place.is_kept(ONE));
}

#[test]
fn the_key_lies_outside_of_the_cache() {
    let directory = tempfile::tempdir().unwrap();
    let cache = directory.path().join("cache");
    let error = CodeCache::open(cache.clone(), Some(cache.join("state/cache.key"))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AccessDenied);
}
