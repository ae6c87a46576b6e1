//! The files of a crate and the imports between them, read from the source.
//!
//! An import is any path that leads to an item of another file: in a `use`, in a signature, in a body, in
//! the arguments of a macro. Re-exports are followed to the file that defines the item, and are no imports
//! themselves. Code for tests is left out.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens as _;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use syn::parse::Parser as _;
use syn::punctuated::Punctuated;

/// A module's path from the crate's root, which is the empty path.
type ModulePath = Vec<String>;

/// A crate's modules.
#[derive(Default)]
pub(crate) struct Crate {
    modules: BTreeMap<ModulePath, Module>,
}

#[derive(Default)]
struct Module {
    file: PathBuf,
    /// The names that `use` brings in, and the paths they stand for.
    uses: BTreeMap<String, Use>,
    /// The paths of `use path::*`.
    globs: Vec<Vec<String>>,
    /// The names of the items that the module defines.
    items: BTreeSet<String>,
    /// Every path in its code, except those of `use`.
    paths: BTreeSet<Vec<String>>,
}

struct Use {
    path: Vec<String>,
    is_reexport: bool,
}

/// An import: the file that imports, the file that defines the item, and the path as it is written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Import {
    pub(crate) from: PathBuf,
    pub(crate) to: PathBuf,
    pub(crate) path: String,
}

impl Crate {
    /// Reads a crate, beginning with its `root`, such as `lib.rs`. Paths of files are relative to `source`.
    pub(crate) fn read(source: &Path, root: &str) -> Crate {
        let mut this = Crate::default();
        this.read_file(source, Path::new(root), Vec::new());
        this
    }

    fn read_file(&mut self, source: &Path, file: &Path, path: ModulePath) {
        let text = fs::read_to_string(source.join(file)).unwrap();
        let parsed =
            syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        self.read_items(source, file, path, parsed.items);
    }

    fn read_items(&mut self, source: &Path, file: &Path, path: ModulePath, items: Vec<syn::Item>) {
        let mut module = Module {
            file: file.to_owned(),
            ..Module::default()
        };
        for item in items {
            if is_for_tests(attributes(&item)) {
                continue;
            }
            match item {
                syn::Item::Mod(child) => {
                    let mut child_path = path.clone();
                    child_path.push(child.ident.to_string());
                    match child.content {
                        Some((_, items)) => self.read_items(source, file, child_path, items),
                        None => {
                            let child_file = child_file(source, file, &child);
                            self.read_file(source, &child_file, child_path);
                        }
                    }
                }
                syn::Item::Use(item) => {
                    let is_reexport = !matches!(item.vis, syn::Visibility::Inherited);
                    module.take_use(&item.tree, &mut Vec::new(), is_reexport);
                }
                item => {
                    if let Some(name) = name(&item) {
                        module.items.insert(name);
                    }
                    let item = without_tests(item);
                    take_paths(item.into_token_stream(), &[], &mut module.paths);
                }
            }
        }
        self.modules.insert(path, module);
    }

    /// Every import of one file from another.
    pub(crate) fn imports(&self) -> BTreeSet<Import> {
        let mut imports = BTreeSet::new();
        for (at, module) in &self.modules {
            let used = |name: &String| module.paths.iter().any(|path| path.first() == Some(name));
            let uses = module.uses.iter();
            let uses = uses.filter(|(name, item)| !item.is_reexport || used(name));
            let globs = module.globs.iter();
            let paths = uses
                .map(|(_, item)| &item.path)
                .chain(globs)
                .chain(&module.paths);
            for path in paths {
                // `pub(crate)` and `self.field` are no imports.
                if let [only] = path.as_slice()
                    && matches!(only.as_str(), "crate" | "self" | "super")
                {
                    continue;
                }
                if let Some(to) = self.file_of(at, path, 0)
                    && to != module.file
                {
                    imports.insert(Import {
                        from: module.file.clone(),
                        to: to.to_owned(),
                        path: path.join("::"),
                    });
                }
            }
        }
        imports
    }

    /// The files, without those of tests.
    pub(crate) fn files(&self) -> BTreeSet<&Path> {
        self.modules
            .values()
            .map(|module| module.file.as_path())
            .collect()
    }

    /// The file that defines the target of a path, seen from a module; nothing if that is in another crate.
    fn file_of(&self, at: &[String], path: &[String], depth: u32) -> Option<&Path> {
        // A circle of `use` does not compile, but this reads it all the same.
        if depth > 20 {
            return None;
        }
        let (mut here, mut rest) = self.begin(at, path)?;
        loop {
            let module = self.modules.get(&here)?;
            let Some((name, further)) = rest.split_first() else {
                return Some(&module.file);
            };
            let mut child = here.clone();
            child.push(name.clone());
            if self.modules.contains_key(&child) {
                here = child;
                rest = further;
                continue;
            }
            if module.items.contains(name) {
                return Some(&module.file);
            }
            if let Some(item) = module.uses.get(name) {
                let mut followed = item.path.clone();
                followed.extend_from_slice(further);
                return self.file_of(&here, &followed, depth + 1);
            }
            for glob in &module.globs {
                let mut followed = glob.clone();
                followed.extend_from_slice(rest);
                if let Some(file) = self.file_of(&here, &followed, depth + 1) {
                    return Some(file);
                }
            }
            return None;
        }
    }

    /// The module at which a path begins, and the rest of it.
    fn begin<'a>(&self, at: &[String], path: &'a [String]) -> Option<(ModulePath, &'a [String])> {
        let (first, mut rest) = path.split_first()?;
        match first.as_str() {
            "crate" => Some((Vec::new(), rest)),
            "self" => Some((at.to_vec(), rest)),
            "super" => {
                let mut here = at.to_vec();
                here.pop()?;
                while rest.first().is_some_and(|name| name == "super") {
                    here.pop()?;
                    rest = rest.get(1..)?;
                }
                Some((here, rest))
            }
            // A name of another crate is none of these.
            _ => {
                let module = self.modules.get(at)?;
                let mut child = at.to_vec();
                child.push(first.clone());
                let is_ours = self.modules.contains_key(&child)
                    || module.uses.contains_key(first)
                    || module.items.contains(first)
                    || !module.globs.is_empty();
                is_ours.then(|| (at.to_vec(), path))
            }
        }
    }
}

impl Module {
    fn take_use(&mut self, tree: &syn::UseTree, before: &mut Vec<String>, is_reexport: bool) {
        match tree {
            syn::UseTree::Path(tree) => {
                before.push(tree.ident.to_string());
                self.take_use(&tree.tree, before, is_reexport);
                before.pop();
            }
            syn::UseTree::Name(tree) => {
                self.take_name(&tree.ident, &tree.ident, before, is_reexport)
            }
            syn::UseTree::Rename(tree) => {
                self.take_name(&tree.ident, &tree.rename, before, is_reexport)
            }
            syn::UseTree::Glob(_) => self.globs.push(before.clone()),
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.take_use(tree, before, is_reexport);
                }
            }
        }
    }

    fn take_name(
        &mut self,
        name: &syn::Ident,
        known_as: &syn::Ident,
        before: &[String],
        is_reexport: bool,
    ) {
        let mut path = before.to_vec();
        if name != "self" {
            path.push(name.to_string());
        }
        let known_as = match known_as.to_string().as_str() {
            "self" => path.last().cloned().unwrap_or_default(),
            // Each `_` has a name of its own here.
            "_" => format!("_{}", self.uses.len()),
            name => name.to_owned(),
        };
        self.uses.insert(known_as, Use { path, is_reexport });
    }
}

/// Collects the token sequences that look like paths: names with `::` between them. `before` is the part of
/// a path in front of a group, as in `a::{b, c}`.
fn take_paths(tokens: TokenStream, before: &[String], paths: &mut BTreeSet<Vec<String>>) {
    let mut path = before.to_vec();
    let mut colons = 0;
    let mut is_lifetime = false;
    let end = |path: &mut Vec<String>, paths: &mut BTreeSet<Vec<String>>| {
        if path.len() > before.len() {
            paths.insert(path.clone());
        }
        path.truncate(before.len());
    };
    for token in tokens {
        match token {
            TokenTree::Ident(_) if is_lifetime => is_lifetime = false,
            TokenTree::Ident(name) => {
                if colons != 2 {
                    end(&mut path, paths);
                }
                path.push(name.to_string());
                colons = 0;
            }
            TokenTree::Punct(mark) if mark.as_char() == ':' && !path.is_empty() => colons += 1,
            TokenTree::Group(group) if colons == 2 && group.delimiter() == Delimiter::Brace => {
                take_paths(group.stream(), &path, paths);
                path.truncate(before.len());
                colons = 0;
            }
            TokenTree::Group(group) => {
                end(&mut path, paths);
                take_paths(group.stream(), &[], paths);
                colons = 0;
            }
            TokenTree::Punct(mark) => {
                is_lifetime = mark.as_char() == '\'';
                end(&mut path, paths);
                colons = 0;
            }
            TokenTree::Literal(_) => end(&mut path, paths),
        }
    }
    end(&mut path, paths);
}

fn child_file(source: &Path, file: &Path, child: &syn::ItemMod) -> PathBuf {
    let directory = file.parent().unwrap_or(Path::new(""));
    let is_root = matches!(
        file.file_name().and_then(|name| name.to_str()),
        Some("lib.rs" | "main.rs" | "mod.rs")
    );
    let directory = match is_root {
        true => directory.to_owned(),
        false => file.with_extension(""),
    };
    let name = child.ident.to_string();
    let flat = directory.join(format!("{name}.rs"));
    match source.join(&flat).exists() {
        true => flat,
        false => directory.join(name).join("mod.rs"),
    }
}

/// An `impl` without its functions for tests; any other item unchanged.
fn without_tests(item: syn::Item) -> syn::Item {
    match item {
        syn::Item::Impl(mut item) => {
            item.items.retain(
                |part| !matches!(part, syn::ImplItem::Fn(part) if is_for_tests(&part.attrs)),
            );
            syn::Item::Impl(item)
        }
        item => item,
    }
}

fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::List(list) if list.path.is_ident("cfg") => {
            let condition: syn::Meta = syn::parse2(list.tokens.clone()).unwrap();
            holds_without_tests(&condition) == Some(false)
        }
        _ => false,
    })
}

/// Whether a condition of `cfg` holds in a build without tests; none if it depends on something else.
fn holds_without_tests(condition: &syn::Meta) -> Option<bool> {
    if condition.path().is_ident("test") {
        return Some(false);
    }
    let syn::Meta::List(list) = condition else {
        return None;
    };
    let parts = Punctuated::<syn::Meta, syn::Token![,]>::parse_terminated
        .parse2(list.tokens.clone())
        .unwrap();
    let parts: Vec<Option<bool>> = parts.iter().map(holds_without_tests).collect();
    if list.path.is_ident("not") {
        parts.first().copied().flatten().map(|holds| !holds)
    } else if list.path.is_ident("all") && parts.contains(&Some(false)) {
        Some(false)
    } else if list.path.is_ident("any") && parts.contains(&Some(true)) {
        Some(true)
    } else {
        None
    }
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Trait(item) => &item.attrs,
        syn::Item::Type(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn name(item: &syn::Item) -> Option<String> {
    Some(match item {
        syn::Item::Const(item) => item.ident.to_string(),
        syn::Item::Enum(item) => item.ident.to_string(),
        syn::Item::Fn(item) => item.sig.ident.to_string(),
        syn::Item::Macro(item) => item.ident.as_ref()?.to_string(),
        syn::Item::Static(item) => item.ident.to_string(),
        syn::Item::Struct(item) => item.ident.to_string(),
        syn::Item::Trait(item) => item.ident.to_string(),
        syn::Item::Type(item) => item.ident.to_string(),
        _ => return None,
    })
}

/// The circles: sets of files each of which reaches all the others by imports.
pub(crate) fn circles(
    files: &BTreeSet<&Path>,
    imports: &BTreeSet<Import>,
) -> Vec<BTreeSet<PathBuf>> {
    let mut reach: BTreeMap<&Path, BTreeSet<&Path>> = BTreeMap::new();
    for file in files {
        let mut seen = BTreeSet::new();
        let mut todo = vec![*file];
        while let Some(at) = todo.pop() {
            for import in imports.iter().filter(|import| import.from == at) {
                if seen.insert(import.to.as_path()) {
                    todo.push(&import.to);
                }
            }
        }
        reach.insert(file, seen);
    }
    let mut circles: BTreeSet<BTreeSet<PathBuf>> = BTreeSet::new();
    for (file, seen) in &reach {
        let circle: BTreeSet<PathBuf> = seen
            .iter()
            .filter(|other| reach.get(**other).is_some_and(|back| back.contains(file)))
            .map(|path| path.to_path_buf())
            .collect();
        if circle.len() > 1 {
            circles.insert(circle);
        }
    }
    let mut circles: Vec<_> = circles.into_iter().collect();
    circles.sort_by_key(|circle| std::cmp::Reverse(circle.len()));
    circles
}
