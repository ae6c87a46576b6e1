//! Everything that the host links, read from the WIT itself: isopod's own and that of the crate
//! `wasmtime-wasi` in the version of the workspace. A function that is added to either is in the sweep
//! without a change here.

use crate::preview1::{self, Raw};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use wit_parser::{
    Function, InterfaceId, Resolve, SizeAlign, Type, TypeDefKind, TypeId, WorldId, WorldItem,
};

/// The two worlds of the sweep, and all their imports.
pub(crate) struct Surface {
    pub(crate) resolve: Resolve,
    pub(crate) sizes: SizeAlign,
    /// The imports of a program, with `wasi:cli/run` as its export.
    pub(crate) program: WorldId,
    /// The imports of a plugin, with `functions` as its export.
    pub(crate) plugin: WorldId,
    /// All functions that a program or a plugin may import.
    pub(crate) functions: Vec<Imported>,
    /// All resources of these interfaces, in the order of their interfaces.
    pub(crate) resources: Vec<TypeId>,
    /// The functions of preview 1.
    pub(crate) raw_functions: Vec<Raw>,
}

/// One imported function.
#[derive(Debug, Clone)]
pub(crate) struct Imported {
    /// The name in components, such as `wasi:io/poll@0.2.12`.
    pub(crate) module: String,
    pub(crate) function: Function,
    /// Whether a plugin may import it too.
    pub(crate) in_plugins: bool,
}

impl Imported {
    /// The name in the table: without the version, which changes with each update of WASI.
    pub(crate) fn title(&self) -> String {
        let interface = self.module.split('@').next().unwrap_or_default();
        let name = &self.function.name;
        let name = name.split_once(']').map_or(name.as_str(), |(_, rest)| rest);
        match self.function.kind {
            wit_parser::FunctionKind::Constructor(_) => format!("{interface} {name}.constructor"),
            _ => format!("{interface} {name}"),
        }
    }
}

impl Surface {
    pub(crate) fn read() -> Surface {
        let mut resolve = Resolve::new();
        let root = clone_root();
        resolve.push_path(root.join("wit")).unwrap();
        resolve.push_path(wasi_directory(&root)).unwrap();
        let wasi_version = resolve
            .packages
            .iter()
            .find(|(_, package)| package.name.namespace == "wasi" && package.name.name == "cli")
            .and_then(|(_, package)| package.name.version.clone())
            .unwrap();
        let worlds = format!(
            "package isopod:sweep;
             world program {{
                 include isopod:multiprocessing/program@0.1.0;
                 include wasmtime:wasi/bindings;
                 export wasi:cli/run@{wasi_version};
             }}
             world plugin {{
                 include isopod:multiprocessing/plugin@0.1.0;
                 include wasmtime:wasi/bindings;
             }}"
        );
        let package = resolve.push_str("sweep.wit", &worlds).unwrap();
        let world = |name| resolve.select_world(&[package], Some(name)).unwrap();
        let (program, plugin) = (world("program"), world("plugin"));
        let mut sizes = SizeAlign::default();
        sizes.fill(&resolve);
        let of_programs = interfaces(&resolve, program);
        let of_plugins = interfaces(&resolve, plugin);
        let mut modules: BTreeMap<String, InterfaceId> = BTreeMap::new();
        for &interface in of_programs.iter().chain(&of_plugins) {
            modules.insert(resolve.id_of(interface).unwrap(), interface);
        }
        let mut functions = Vec::new();
        let mut resources = Vec::new();
        for (module, &interface) in &modules {
            let declared = &resolve.interfaces[interface];
            functions.extend(declared.functions.values().map(|function| Imported {
                module: module.clone(),
                function: function.clone(),
                in_plugins: of_plugins.contains(&interface),
            }));
            let types = declared.types.values();
            resources.extend(
                types.filter(|&&id| matches!(resolve.types[id].kind, TypeDefKind::Resource)),
            );
        }
        Surface {
            resolve,
            sizes,
            program,
            plugin,
            functions,
            resources,
            raw_functions: preview1::functions(),
        }
    }

    /// The type behind all its aliases.
    pub(crate) fn definition(&self, ty: TypeId) -> TypeId {
        match self.resolve.types[ty].kind {
            TypeDefKind::Type(Type::Id(next)) => self.definition(next),
            _ => ty,
        }
    }

    /// The place of a resource among all resources.
    pub(crate) fn resource_index(&self, resource: TypeId) -> usize {
        let resource = self.definition(resource);
        self.resources
            .iter()
            .position(|&known| known == resource)
            .unwrap()
    }

    /// The resource whose number a parameter is, by the parameter's name: `lock: u32` of `direct` is the
    /// number of a `lock`.
    pub(crate) fn numbered(&self, parameter: &wit_parser::Param) -> Option<TypeId> {
        let suffix = format!("-{}", parameter.name);
        let is_meant = |name: &str| name == parameter.name || name.ends_with(&suffix);
        let resources = self.resources.iter().copied();
        let mut numbered = resources.filter(|&resource| {
            parameter.ty == Type::U32
                && is_meant(self.name_of(resource))
                && self.number_of(resource).is_some()
        });
        numbered.next()
    }

    pub(crate) fn numbered_in(&self, function: &Function) -> Vec<TypeId> {
        let parameters = function.params.iter();
        parameters
            .filter_map(|parameter| self.numbered(parameter))
            .collect()
    }

    /// The method that returns a resource's number.
    pub(crate) fn number_of(&self, resource: TypeId) -> Option<&Imported> {
        let name = format!("[method]{}.number", self.name_of(resource));
        let mut functions = self.functions.iter();
        functions.find(|imported| {
            imported.function.name == name
                && imported.function.kind == wit_parser::FunctionKind::Method(resource)
        })
    }

    /// The interface that declares a resource, by its name in components.
    pub(crate) fn module_of(&self, resource: TypeId) -> String {
        match self.resolve.types[resource].owner {
            wit_parser::TypeOwner::Interface(interface) => self.resolve.id_of(interface).unwrap(),
            _ => panic!("a resource outside of interfaces"),
        }
    }

    pub(crate) fn name_of(&self, resource: TypeId) -> &str {
        self.resolve.types[resource].name.as_deref().unwrap()
    }

    /// The resources that a value of this type holds, with those of lists if `in_lists`.
    pub(crate) fn resources_in(&self, ty: &Type, in_lists: bool, found: &mut Vec<TypeId>) {
        let Type::Id(id) = ty else { return };
        let mut visit = |ty: &Type| self.resources_in(ty, in_lists, found);
        match &self.resolve.types[*id].kind {
            TypeDefKind::Type(ty) | TypeDefKind::Option(ty) => visit(ty),
            TypeDefKind::List(ty) if in_lists => visit(ty),
            TypeDefKind::Record(record) => record.fields.iter().for_each(|field| visit(&field.ty)),
            TypeDefKind::Tuple(tuple) => tuple.types.iter().for_each(visit),
            TypeDefKind::Variant(variant) => variant
                .cases
                .iter()
                .filter_map(|case| case.ty.as_ref())
                .for_each(visit),
            TypeDefKind::Result(result) => result.ok.iter().chain(&result.err).for_each(visit),
            TypeDefKind::Handle(wit_parser::Handle::Own(id) | wit_parser::Handle::Borrow(id)) => {
                let resource = self.definition(*id);
                if !found.contains(&resource) {
                    found.push(resource);
                }
            }
            _ => {}
        }
    }

    /// Whether a list or a text is in a value of this type.
    pub(crate) fn has_list(&self, ty: &Type) -> bool {
        let id = match ty {
            Type::String => return true,
            Type::Id(id) => *id,
            _ => return false,
        };
        match &self.resolve.types[id].kind {
            TypeDefKind::List(_) => true,
            TypeDefKind::Type(ty) | TypeDefKind::Option(ty) => self.has_list(ty),
            TypeDefKind::Record(record) => {
                record.fields.iter().any(|field| self.has_list(&field.ty))
            }
            TypeDefKind::Tuple(tuple) => tuple.types.iter().any(|ty| self.has_list(ty)),
            TypeDefKind::Variant(variant) => variant
                .cases
                .iter()
                .filter_map(|case| case.ty.as_ref())
                .any(|ty| self.has_list(ty)),
            TypeDefKind::Result(result) => result.ok.iter().any(|ty| self.has_list(ty)),
            _ => false,
        }
    }
}

/// The root of the workspace.
pub(crate) fn clone_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// The directory of the WIT of WASI from which `wasmtime_wasi::p2::add_to_linker_async` makes its bindings.
fn wasi_directory(root: &Path) -> PathBuf {
    // Only for this platform: the crates of others may not have been fetched.
    let rustc = Command::new("rustc").arg("-vV").output().unwrap();
    let rustc = String::from_utf8(rustc.stdout).unwrap();
    let platform = rustc
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .unwrap();
    let metadata = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version=1",
            "--offline",
            "--locked",
            "--filter-platform",
            platform,
        ])
        .current_dir(root)
        .output()
        .unwrap();
    assert!(
        metadata.status.success(),
        "{}",
        String::from_utf8_lossy(&metadata.stderr)
    );
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let wasi = packages
        .iter()
        .find(|package| package["name"] == "wasmtime-wasi")
        .unwrap();
    let manifest = Path::new(wasi["manifest_path"].as_str().unwrap());
    manifest.with_file_name("src/p2/wit")
}

/// The interfaces that a world imports.
fn interfaces(resolve: &Resolve, world: WorldId) -> Vec<InterfaceId> {
    let imports = resolve.worlds[world].imports.values();
    imports
        .filter_map(|item| match item {
            WorldItem::Interface { id, .. } => Some(*id),
            _ => None,
        })
        .collect()
}
