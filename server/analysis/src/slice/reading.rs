//! A module read for slicing: where it stands, what its imports lead to, and what its statements do.

use std::collections::BTreeSet;
use std::path::Path;

use super::local::Local;
use super::program::{Program, State};
use super::stars::{self, Stars};
use super::walk::{self, Surroundings};
use crate::Module;
use crate::files::Files;
use crate::modules::{Collected, Follower, Import, Resolver, Standing, imports_in, standing};
use crate::python::Source;

/// How far the imports of a module are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// Enough to speak about the file: are its modules there, and what do its star imports bind?
    OneFile,
    /// All local modules are read, to know what their functions do.
    AllModules,
}

/// A module with what is known of it and around it.
pub(super) struct Reading<'a> {
    pub(super) source: &'a Source,
    /// All imports of the file.
    pub(super) imports: Vec<Import>,
    pub(super) standing: Standing,
    pub(super) local: Local,
    pub(super) program: Program,
    pub(super) stars: Stars,
    /// What the imports lead to.
    pub(super) collected: Collected,
    path: &'a Path,
    pub(super) resolver: Resolver<'a>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(
        module: &Module<'a>,
        files: &'a dyn Files,
        source: &'a Source,
        depth: Depth,
    ) -> Reading<'a> {
        let path = module.path;
        let imports = imports_in(&source.document, source.body());
        let mut standing = standing(files, path, module.workspace, &imports);
        let resolver = Resolver::new(
            files,
            module.environment,
            path,
            module.workspace,
            &standing,
            (&source.document, source.body()),
        );
        let mut follower = match depth {
            Depth::OneFile => Follower::of_one_file(&resolver),
            Depth::AllModules => Follower::new(&resolver),
        };
        let active: Vec<Import> = imports
            .iter()
            .filter(|import| !import.guarded)
            .cloned()
            .collect();
        follower.follow(path, &standing.name, &standing.root, &active);
        let collected = follower.collected;
        standing.reach(&collected.roots);
        let is_local = |top: &str| is_local(&standing, &resolver, top);
        let local = match depth {
            Depth::OneFile => Local::default(),
            Depth::AllModules => Local::read(&collected, &is_local),
        };
        let around = Surroundings {
            is_local: &is_local,
            spares: &|name| local.spares(name),
            is_whole: depth == Depth::AllModules,
        };
        let quiet = match depth {
            Depth::OneFile => walk::quiet::program(source, &imports),
            Depth::AllModules => None,
        };
        let program = quiet.unwrap_or_else(|| walk::read(source, &around));
        let stars = stars::stars(&program.stars, &collected, &resolver, path);
        Reading {
            source,
            imports,
            standing,
            local,
            program,
            stars,
            collected,
            path,
            resolver,
        }
    }

    /// Are the files of a top-level module in the workspace?
    pub(super) fn is_local(&self, top: &str) -> bool {
        is_local(&self.standing, &self.resolver, top)
    }

    /// What an import of the file changes besides the names that it binds, when it loads local modules.
    pub(super) fn loading(&self, import: &Import) -> BTreeSet<State> {
        let place = (self.path.to_path_buf(), import.at);
        let files = self.collected.leads.get(&place);
        files
            .map(|files| self.local.loading(files))
            .unwrap_or_default()
    }

    /// What some of the file's imports lead to.
    pub(super) fn follow(&self, imports: &[Import]) -> Collected {
        let mut follower = Follower::new(&self.resolver);
        follower.follow(self.path, &self.standing.name, &self.standing.root, imports);
        follower.collected
    }
}

/// A module does not import itself by its own name.
fn is_local(standing: &Standing, resolver: &Resolver<'_>, top: &str) -> bool {
    let own = standing.name.rsplit('.').next().unwrap_or_default();
    top != own && resolver.is_local(top)
}
