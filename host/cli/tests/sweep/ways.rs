//! The ways in which a guest gets the arguments of a function: through functions that return them, which
//! may take arguments themselves.

use crate::guest::Door;
use crate::surface::Surface;
use std::collections::BTreeMap;
use wit_parser::{FunctionKind, Handle, Type, TypeDefKind, TypeId};

/// The most functions that are called to get one resource.
const MOST_PROVIDERS: usize = 4;

/// Methods that end the use of their object, or wait: they prepare nothing.
const NOT_FOR_SETUP: &[&str] = &[
    "block",
    "close",
    "terminate",
    "kill",
    "shutdown",
    "clear",
    "abort",
    "set-fail-fast",
    "set-timeout",
];

/// The cost of a function that returns a resource only sometimes, or in a list.
const RARELY_GIVEN: usize = 20;

/// The resources that a guest of one kind can get.
pub(crate) struct Ways<'a> {
    surface: &'a Surface,
    door: Door,
    /// The least number of calls that each resource costs.
    costs: BTreeMap<TypeId, usize>,
}

impl<'a> Ways<'a> {
    pub(crate) fn new(surface: &'a Surface, door: Door) -> Ways<'a> {
        let mut ways = Ways {
            surface,
            door,
            costs: BTreeMap::new(),
        };
        loop {
            let before = ways.costs.clone();
            for index in 0..surface.functions.len() {
                for resource in ways.gives(index) {
                    let Some(cost) = ways.cost(index, resource) else {
                        continue;
                    };
                    let known = ways.costs.entry(resource).or_insert(cost);
                    *known = cost.min(*known);
                }
            }
            if ways.costs == before {
                return ways;
            }
        }
    }

    /// Functions that return a resource: the methods of `owner` first, as a handle to be opened must be one
    /// of its kind, and then the simplest.
    pub(crate) fn providers(&self, resource: TypeId, owner: Option<TypeId>) -> Vec<usize> {
        let is_of_another = |index: usize| match self.surface.functions[index].function.kind {
            FunctionKind::Method(of) => Some(of) != owner,
            _ => true,
        };
        let mut providers: Vec<(bool, usize, usize)> = (0..self.surface.functions.len())
            .filter(|&index| self.gives(index).contains(&resource))
            .filter_map(|index| Some((is_of_another(index), self.cost(index, resource)?, index)))
            .collect();
        providers.sort_unstable();
        providers.truncate(MOST_PROVIDERS);
        providers.into_iter().map(|(_, _, index)| index).collect()
    }

    /// The functions that return these resources, in the order in which they are needed.
    pub(crate) fn to(&self, needed: Vec<TypeId>, owner: Option<TypeId>) -> Vec<usize> {
        let mut found: Vec<(TypeId, Vec<usize>)> = Vec::new();
        let mut open = needed;
        while let Some(resource) = open.pop() {
            if found.iter().any(|(known, _)| *known == resource) {
                continue;
            }
            let mut calls = Vec::new();
            for provider in self.providers(resource, owner) {
                calls.extend(self.beginnings(provider));
                calls.push(provider);
            }
            for &call in &calls {
                open.extend(self.takes(call));
            }
            found.push((resource, calls));
        }
        found.sort_by_key(|(resource, _)| self.costs.get(resource).copied().unwrap_or(usize::MAX));
        found.into_iter().flat_map(|(_, calls)| calls).collect()
    }

    /// The calls before a method returns anything: for instance, a socket is bound before it has streams.
    fn beginnings(&self, index: usize) -> Vec<usize> {
        let functions = &self.surface.functions;
        let FunctionKind::Method(resource) = functions[index].function.kind else {
            return Vec::new();
        };
        let begins = |name: &str| name.contains(".start-") || name.contains(".finish-");
        (0..functions.len())
            .filter(|&other| {
                let function = &functions[other].function;
                other != index
                    && function.kind == FunctionKind::Method(resource)
                    && begins(&function.name)
            })
            .collect()
    }

    /// The resources that a function takes, except those that only lists hold.
    fn takes(&self, index: usize) -> Vec<TypeId> {
        let mut taken = Vec::new();
        for parameter in &self.surface.functions[index].function.params {
            self.surface.resources_in(&parameter.ty, false, &mut taken);
        }
        taken
    }

    fn gives(&self, index: usize) -> Vec<TypeId> {
        let imported = &self.surface.functions[index];
        let mut given = Vec::new();
        if let Some(result) = &imported.function.result
            && (self.door == Door::Program || imported.in_plugins)
        {
            self.surface.resources_in(result, true, &mut given);
        }
        given
    }

    /// The number of calls that this resource of the function costs.
    fn cost(&self, index: usize, given: TypeId) -> Option<usize> {
        let direct = match self.gives_directly(index, given) {
            true => 1,
            false => RARELY_GIVEN,
        };
        self.takes(index).iter().try_fold(direct, |sum, resource| {
            Some(sum + self.costs.get(resource)?)
        })
    }

    /// Whether the function returns the resource whenever it succeeds: not in a message, an option or an
    /// error.
    fn gives_directly(&self, index: usize, given: TypeId) -> bool {
        let types = &self.surface.resolve.types;
        let is_given = |ty: &Type| match ty {
            Type::Id(id) => {
                matches!(types[*id].kind, TypeDefKind::Handle(Handle::Own(id)) if self.surface.definition(id) == given)
            }
            _ => false,
        };
        let result = self.surface.functions[index].function.result.as_ref();
        let of = |ty: &Type| match ty {
            Type::Id(id) => match &types[*id].kind {
                TypeDefKind::Tuple(tuple) => tuple.types.iter().any(is_given),
                _ => is_given(ty),
            },
            _ => false,
        };
        result.is_some_and(|ty| match ty {
            Type::Id(id) => match &types[*id].kind {
                TypeDefKind::Result(result) => result.ok.as_ref().is_some_and(of),
                _ => of(ty),
            },
            _ => false,
        })
    }

    /// Other methods of the same resource that change its state, in the order of the WIT: so a queue is
    /// full when it is read, and a socket is bound before it listens.
    pub(crate) fn feeders(&self, index: usize) -> Vec<usize> {
        let surface = self.surface;
        let function = &surface.functions[index].function;
        let resource = match function.kind {
            FunctionKind::Method(resource) => Some(resource),
            _ => surface.numbered_in(function).first().copied(),
        };
        let Some(resource) = resource else {
            return Vec::new();
        };
        let methods = surface
            .functions
            .iter()
            .enumerate()
            .filter(|&(other, imported)| {
                let name = imported
                    .function
                    .name
                    .rsplit('.')
                    .next()
                    .unwrap_or_default();
                other != index
                    && imported.function.kind == FunctionKind::Method(resource)
                    && !NOT_FOR_SETUP.contains(&name)
                    && !name.starts_with("blocking")
                    && (changes_only(surface, imported.function.result.as_ref())
                        || name.starts_with("finish"))
            });
        methods.map(|(other, _)| other).collect()
    }
}

/// Whether a function returns only success or failure.
fn changes_only(surface: &Surface, result: Option<&Type>) -> bool {
    match result {
        None => true,
        Some(Type::Id(id)) => match &surface.resolve.types[surface.definition(*id)].kind {
            TypeDefKind::Result(result) => matches!(result.ok, None | Some(Type::Bool | Type::U64)),
            _ => false,
        },
        Some(_) => false,
    }
}
