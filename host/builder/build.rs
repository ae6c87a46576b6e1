//! Packs the files for building guests into the crate: the two guest crates and the WIT, with a small
//! workspace around them; the files of the Python runner; the bindings for JavaScript; and the library for C,
//! with the code that wit-bindgen generates for it.
//!
//! This script makes the lists, so that a new file cannot be forgotten. Tests and the dependencies of tests
//! are left out: a guest's build must not resolve these.

use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use toml::{Table, Value};
use wit_bindgen_core::Files;
use wit_bindgen_core::wit_parser::Resolve;

/// The two crates, as directories below the root of the workspace.
const CRATES: [&str; 2] = ["guest/rust", "guest/rust-macros"];

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?)
        .join("../..")
        .canonicalize()?;
    let output = PathBuf::from(std::env::var("OUT_DIR")?);
    let mut files: Vec<(String, Contents)> = Vec::new();
    let mut inherited = BTreeSet::new();

    for name in CRATES {
        let manifest = root.join(name).join("Cargo.toml");
        rerun_if_changed(&format!("{name}/Cargo.toml"));
        let manifest = guest_manifest(&fs::read_to_string(manifest)?, &mut inherited)?;
        let packed = output.join(format!("{}.toml", name.replace('/', "-")));
        fs::write(&packed, manifest)?;
        files.push((format!("{name}/Cargo.toml"), Contents::Made(packed)));
        collect(&root, &root.join(name).join("src"), "rs", &mut files)?;
    }
    collect(&root, &root.join("wit"), "wit", &mut files)?;

    let manifest = root.join("Cargo.toml");
    rerun_if_changed("Cargo.toml");
    let packed = output.join("workspace.toml");
    fs::write(
        &packed,
        workspace_manifest(&fs::read_to_string(manifest)?, &inherited)?,
    )?;
    files.push(("Cargo.toml".to_owned(), Contents::Made(packed)));

    write_list(&root, &output.join("sdk_files.rs"), files)?;
    rerun_if_changed("Cargo.lock");
    let known = known_dependencies(&fs::read_to_string(root.join("Cargo.lock"))?)?;
    fs::write(
        output.join("known_dependencies.rs"),
        format!(
            "[{}]",
            known
                .iter()
                .map(|name| format!("{name:?}, "))
                .collect::<String>()
        ),
    )?;

    let mut files: Vec<(String, Contents)> = Vec::new();
    collect(&root, &root.join("guest/python"), "py", &mut files)?;
    collect(&root, &root.join("guest/python/world"), "wit", &mut files)?;
    collect(&root, &root.join("wit"), "wit", &mut files)?;
    write_list(&root, &output.join("python_files.rs"), files)?;

    let mut files: Vec<(String, Contents)> = Vec::new();
    collect(&root, &root.join("guest/js"), "js", &mut files)?;
    collect(&root, &root.join("guest/js/world"), "wit", &mut files)?;
    collect(&root, &root.join("wit"), "wit", &mut files)?;
    write_list(&root, &output.join("javascript_files.rs"), files)?;

    let mut files: Vec<(String, Contents)> = Vec::new();
    collect(&root, &root.join("guest/c"), "c", &mut files)?;
    collect(&root, &root.join("guest/c"), "h", &mut files)?;
    generate_c(&root, &output, &mut files)?;
    write_list(&root, &output.join("c_files.rs"), files)?;
    Ok(())
}

/// The names of all dependencies of the guest library, and of the further crates that single files may use.
fn known_dependencies(lock: &str) -> Result<BTreeSet<String>, Box<dyn Error>> {
    let lock: Table = lock.parse()?;
    let packages = lock.get("package").and_then(Value::as_array);
    let packages = packages.ok_or("a lock file without packages")?;
    let mut known = BTreeSet::new();
    let mut left = vec![
        "isopod".to_owned(),
        "postcard".to_owned(),
        "serde".to_owned(),
    ];
    while let Some(name) = left.pop() {
        if !known.insert(name.clone()) {
            continue;
        }
        let named = |package: &&Value| package.get("name").and_then(Value::as_str) == Some(&name);
        for package in packages.iter().filter(named) {
            let dependencies = package.get("dependencies").and_then(Value::as_array);
            let dependencies = dependencies.into_iter().flatten().filter_map(Value::as_str);
            // The form is `NAME`, or `NAME VERSION` if there are several versions.
            let names = dependencies.filter_map(|one| one.split(' ').next());
            left.extend(names.map(str::to_owned));
        }
    }
    known.retain(|name| !name.starts_with("isopod"));
    Ok(known)
}

/// Generates the C code for both worlds, under one name, so that one library serves both.
fn generate_c(
    root: &Path,
    output: &Path,
    files: &mut Vec<(String, Contents)>,
) -> Result<(), Box<dyn Error>> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(root.join("wit"))?;
    for name in ["program", "plugin"] {
        let mut resolve = resolve.clone();
        let world = resolve.select_world(&[package], Some(name))?;
        let options = wit_bindgen_c::Opts {
            rename_world: Some("wit".to_owned()),
            ..wit_bindgen_c::Opts::default()
        };
        let mut generated = Files::default();
        options
            .build()
            .generate(&mut resolve, world, &mut generated)?;
        let directory = output.join("c").join(name);
        fs::create_dir_all(&directory)?;
        for (file, content) in generated.iter() {
            let path = directory.join(file);
            fs::write(&path, content)?;
            files.push((format!("{name}/{file}"), Contents::Made(path)));
        }
    }
    Ok(())
}

/// Writes the list of the files, as the source of a slice of names and bytes. Beside it, as `.hash`, writes a
/// hash of the names and contents, so that a start need not hash half a megabyte.
fn write_list(
    root: &Path,
    path: &Path,
    mut files: Vec<(String, Contents)>,
) -> Result<(), Box<dyn Error>> {
    files.sort();
    let mut list = "&[\n".to_owned();
    let mut hasher = Sha256::new();
    for (name, contents) in files {
        let content = match &contents {
            Contents::Kept => fs::read(root.join(&name))?,
            Contents::Made(path) => fs::read(path)?,
        };
        // The lengths keep different lists from having the same bytes.
        for part in [name.as_bytes(), &content] {
            hasher.update(u64::try_from(part.len())?.to_le_bytes());
            hasher.update(part);
        }
        let path = match contents {
            // The path is relative to the crate, so that a moved checkout, or another one with the same
            // target directory, finds its own file.
            Contents::Kept => {
                format!("concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/../../\", {name:?})")
            }
            Contents::Made(path) => format!("{:?}", path.display().to_string()),
        };
        writeln!(list, "    ({name:?}, include_bytes!({path})),")?;
    }
    list.push_str("]\n");
    fs::write(path, list)?;
    let first: String = hasher
        .finalize()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    fs::write(path.with_extension("hash"), first)?;
    Ok(())
}

/// The place of the bytes of a packed file.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Contents {
    /// In the workspace, under the same name.
    Kept,
    /// In a file that this script wrote.
    Made(PathBuf),
}

/// The manifest of a guest crate, without the parts that only its own development needs. Adds the names of
/// the dependencies that it inherits from the workspace to `inherited`.
fn guest_manifest(text: &str, inherited: &mut BTreeSet<String>) -> Result<String, Box<dyn Error>> {
    let mut manifest: Table = text.parse()?;
    manifest.remove("dev-dependencies");
    manifest.remove("lints");
    let dependencies = manifest.get("dependencies").and_then(Value::as_table);
    for (name, dependency) in dependencies.into_iter().flatten() {
        if dependency.get("workspace").and_then(Value::as_bool) == Some(true) {
            inherited.insert(name.clone());
        }
    }
    Ok(toml::to_string(&manifest)?)
}

/// The manifest of a workspace of only the guest crates, with the dependencies that they inherit.
fn workspace_manifest(text: &str, inherited: &BTreeSet<String>) -> Result<String, Box<dyn Error>> {
    let manifest: Table = text.parse()?;
    let workspace = manifest
        .get("workspace")
        .and_then(Value::as_table)
        .ok_or("no `[workspace]`")?;
    let all = workspace
        .get("dependencies")
        .and_then(Value::as_table)
        .ok_or("no `[workspace.dependencies]`")?;
    let mut dependencies = Table::new();
    for name in inherited {
        let dependency = all
            .get(name)
            .ok_or_else(|| format!("`{name}` is not in the workspace"))?;
        dependencies.insert(name.clone(), dependency.clone());
    }
    let mut packed = Table::new();
    packed.insert("resolver".to_owned(), "3".into());
    packed.insert("members".to_owned(), CRATES.to_vec().into());
    if let Some(package) = workspace.get("package") {
        packed.insert("package".to_owned(), package.clone());
    }
    packed.insert("dependencies".to_owned(), dependencies.into());
    let mut root = Table::new();
    root.insert("workspace".to_owned(), packed.into());
    Ok(toml::to_string(&root)?)
}

/// Makes cargo run this script again when a file or directory of the workspace changes. The path is relative,
/// so that checkouts with a shared target directory each watch their own files.
fn rerun_if_changed(name: &str) {
    println!("cargo::rerun-if-changed=../../{name}");
}

/// Adds the files below `directory` that end in `extension`, except tests.
fn collect(
    root: &Path,
    directory: &Path,
    extension: &str,
    files: &mut Vec<(String, Contents)>,
) -> Result<(), Box<dyn Error>> {
    rerun_if_changed(&directory.strip_prefix(root)?.display().to_string());
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let is_test = path
            .file_stem()
            .is_some_and(|stem| stem.to_string_lossy().ends_with("_tests"));
        if path.is_dir() {
            collect(root, &path, extension, files)?;
        } else if path.extension().is_some_and(|found| found == extension) && !is_test {
            let name = path
                .strip_prefix(root)?
                .to_str()
                .ok_or("a path that is not Unicode")?;
            files.push((name.to_owned(), Contents::Kept));
        }
    }
    Ok(())
}
