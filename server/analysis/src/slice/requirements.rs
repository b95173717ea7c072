//! The distributions that what travels needs.

use std::collections::BTreeMap;

use super::types::{ImportOrigin, Requirement};
use crate::environment::normalized;
use crate::modules::{Foreign, Resolver};
use crate::supplied;

/// Requirements by their normalised names.
#[derive(Default)]
pub(super) struct Requirements(BTreeMap<String, Requirement>);

impl Requirements {
    /// Adds what an import that is not local needs; gives where it comes from.
    pub(super) fn add(
        &mut self,
        resolver: &Resolver<'_>,
        module: &str,
        foreign: &Foreign,
    ) -> ImportOrigin {
        if supplied::module(module).is_some() {
            // Even where a distribution of that name is installed.
            return ImportOrigin::Local;
        }
        let origin = resolver.foreign(module, None).origin;
        // Each name may be a module of another distribution: `from google.cloud import storage, bigquery`.
        let names = foreign.names.iter().map(|name| Some(name.as_str()));
        let names: Vec<Option<&str>> = if foreign.names.is_empty() {
            vec![None]
        } else {
            names.collect()
        };
        for name in names {
            let source = resolver.foreign(module, name.filter(|name| *name != "*"));
            let is_needed = matches!(
                source.origin,
                ImportOrigin::Distribution | ImportOrigin::Unknown
            );
            let Some(distribution) = source.distribution.filter(|_| is_needed) else {
                continue;
            };
            let requirement = self
                .0
                .entry(normalized(&distribution))
                .or_insert(Requirement {
                    distribution,
                    version: source.version,
                    optional: true,
                    modules: Vec::new(),
                });
            requirement.optional &= foreign.optional;
            if let Err(at) = requirement
                .modules
                .binary_search_by(|known| known.as_str().cmp(module))
            {
                requirement.modules.insert(at, module.to_owned());
            }
        }
        origin
    }

    pub(super) fn sorted(self) -> Vec<Requirement> {
        self.0.into_values().collect()
    }
}
