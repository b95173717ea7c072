//! What a nested function needs of the functions around it, and whether that can travel.
//!
//! A nested definition is carried out of its place by leaving its lines where they stand and opening the blocks around it
//! with `if True:`; what it captures must then be there too. That is safe for names whose only binding is an import, a
//! definition or an expression that is computed from literals: such a statement means the same wherever it runs, as long as
//! nothing changes the value in between. Everything else is an obstacle that the user is told about by name.

mod builtin;
mod computed;
mod obstacle;
mod place;
mod reading;
mod shape;
mod value;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use hoist_syntax::scopes::{Binding, BindingKind, Name, ScopeId, ScopeKind};
use hoist_syntax::{Document, Scopes};

pub(crate) use obstacle::{Obstacle, Why, names_of};

use crate::uses::{Home, Use, Uses};
use value::{Bound, Found, Value};

/// A statement inside of a function that is to stand on its own.
#[derive(Clone, Debug)]
pub(crate) struct Root {
    /// The whole statement, decorators included.
    pub(crate) statement: Range<usize>,
    /// The function that holds it.
    pub(crate) function: ScopeId,
    /// The name that it binds.
    pub(crate) name: Name,
}

/// What travels with a root.
#[derive(Clone, Debug, Default)]
pub(crate) struct Carried {
    /// The statements, by where they begin; the root's own is among them.
    pub(crate) statements: BTreeMap<usize, Range<usize>>,
    /// The names that become names of the module, with the statement that binds each.
    pub(crate) names: BTreeMap<Name, Range<usize>>,
    /// The module's names (and builtins) that the statements read, with the first place of each.
    pub(crate) module_names: BTreeMap<Name, usize>,
}

impl Carried {
    /// The statement that travels and holds a place.
    fn statement_at(&self, place: usize) -> Option<&Range<usize>> {
        let mut before = self.statements.range(..=place).rev();
        let found = before.find(|(_, statement)| statement.contains(&place));
        found.map(|(_, statement)| statement)
    }
}

/// One text with its names, in which roots are judged.
pub(crate) struct Judge<'a> {
    pub(crate) document: &'a Document,
    pub(crate) scopes: &'a Scopes,
    pub(crate) uses: &'a Uses,
}

impl Judge<'_> {
    /// Follows everything that a root needs of the functions around it. What could be found travels, also when there are
    /// obstacles: a user may want to run it all the same.
    ///
    /// `wanted` are more names that the caller reads beside it, in the arguments: they travel where they can.
    pub(crate) fn carry(&self, root: &Root, wanted: &[String]) -> (Carried, Vec<Obstacle>) {
        let mut carried = Carried::default();
        let mut obstacles: BTreeSet<Obstacle> = BTreeSet::new();
        let mut values: Vec<Value> = Vec::new();
        let mut plain: Vec<(ScopeId, Name)> = Vec::new();
        let mut judged: BTreeSet<(ScopeId, Name)> = BTreeSet::new();
        let mut waiting = vec![(root.statement.clone(), root.function)];
        carried
            .names
            .insert(root.name.clone(), root.statement.clone());
        plain.push((root.function, root.name.clone()));
        judged.insert((root.function, root.name.clone()));
        if self.bindings_of(root.function, &root.name).count() > 1
            && self
                .uses
                .within(&root.statement)
                .iter()
                .any(|a_use| self.reads(a_use, root.function, &root.name))
        {
            obstacles.insert(self.value(root.function, &root.name, Why::Several));
        }
        for name in wanted {
            if let Some((owner, found)) = self.beside(root, name) {
                for name in &found.names {
                    judged.insert((owner, name.stored.clone()));
                    let statement = found.statement.clone();
                    carried.names.insert(name.written.clone(), statement);
                }
                found.sort(owner, &mut values, &mut plain);
                waiting.push((found.statement, owner));
            }
        }
        while let Some((range, function)) = waiting.pop() {
            if carried
                .statements
                .insert(range.start, range.clone())
                .is_some()
            {
                continue;
            }
            self.find_private(&range, &mut obstacles);
            self.find_nonlocal(&range, &mut obstacles);
            self.find_class_cell(&range, &mut obstacles);
            for a_use in self.uses.within(&range) {
                let owner = match a_use.home {
                    Home::Module => {
                        carried
                            .module_names
                            .entry(a_use.name.clone())
                            .or_insert(a_use.range.start);
                        continue;
                    }
                    Home::Scope(owner) => owner,
                };
                let inside = &self.scopes.get(owner).range;
                if range.start <= inside.start && inside.end <= range.end && owner != function {
                    continue;
                }
                if &*a_use.name == "__class__" {
                    continue;
                }
                if !judged.insert((owner, a_use.name.clone())) {
                    continue;
                }
                match self.verdict(owner, &a_use.name, root) {
                    Ok(found) => {
                        for name in &found.names {
                            match carried.names.get(&name.written) {
                                Some(other) if *other != found.statement => {
                                    obstacles.insert(Obstacle::Collision(name.written.to_string()));
                                }
                                _ => {
                                    let statement = found.statement.clone();
                                    carried.names.insert(name.written.clone(), statement);
                                }
                            }
                            judged.insert((owner, name.stored.clone()));
                        }
                        found.sort(owner, &mut values, &mut plain);
                        waiting.push((found.statement, owner));
                    }
                    Err(why) => {
                        obstacles.insert(self.value(owner, &a_use.name, why));
                    }
                }
            }
        }
        let outside = |a_use: &Use| carried.statement_at(a_use.range.start).is_none();
        for value in &values {
            if self.may_change(value, &values, root, &carried) {
                obstacles.insert(self.value(value.owner, &value.name, Why::Touched));
            }
        }
        for (owner, name) in &plain {
            let changed = |a_use: &Use| outside(a_use) && self.is_changed_through(a_use);
            if self
                .uses
                .of(Home::Scope(*owner), name)
                .any(|a_use| changed(&a_use))
            {
                obstacles.insert(self.value(*owner, name, Why::Changed));
            }
        }
        for name in carried.module_names.keys() {
            if let Some(statement) = carried.names.get(name)
                && !self.is_same_import(statement, name)
            {
                obstacles.insert(Obstacle::Collision(name.to_string()));
            }
            if self.encloses(root, name) {
                obstacles.insert(Obstacle::Enclosing(name.to_string()));
            }
        }
        (carried, obstacles.into_iter().collect())
    }

    /// A name of the functions around a root that the module does not have, when its value can be had elsewhere.
    fn beside(&self, root: &Root, name: &str) -> Option<(ScopeId, Found)> {
        let (owner, name) = self.around(root, name)?;
        let found = self.verdict(owner, &name, root).ok()?;
        Some((owner, found))
    }

    /// Why a name that stands beside the root's call cannot be had, although a function around binds it.
    pub(crate) fn lacking(&self, root: &Root, name: &str) -> Option<Obstacle> {
        let (owner, name) = self.around(root, name)?;
        let why = self.verdict(owner, &name, root).err()?;
        Some(self.value(owner, &name, why))
    }

    /// The function around a root that binds a name which the module does not have, with the name as it is stored there.
    fn around(&self, root: &Root, name: &str) -> Option<(ScopeId, Name)> {
        let written = Name::new(name);
        let is_in_module = self
            .uses
            .of(Home::Module, &written)
            .any(|a_use| a_use.binding.is_some());
        if written == root.name || is_in_module {
            return None;
        }
        let mut at = Some(root.function);
        while let Some(id) = at {
            let scope = self.scopes.get(id);
            if scope.kind != ScopeKind::Class {
                let is_meant = |binding: &&Binding| {
                    binding.name == written || self.text(&binding.range) == name
                };
                let found = scope.bindings.iter().find(is_meant);
                if let Some(found) =
                    found.filter(|found| found.name != root.name || id != root.function)
                {
                    return Some((id, found.name.clone()));
                }
            }
            at = scope.parent;
        }
        None
    }

    /// Is the statement an import, and does the module bind the same name by the same import and by nothing else?
    pub(crate) fn is_same_import(&self, statement: &Range<usize>, name: &Name) -> bool {
        let text = self.text(statement);
        let normal = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut bindings = self
            .uses
            .of(Home::Module, name)
            .filter(|a_use| a_use.binding.is_some())
            .peekable();
        bindings.peek().is_some()
            && bindings.all(|a_use| {
                a_use.binding == Some(BindingKind::Import)
                    && normal(self.text(&a_use.statement)) == normal(text)
            })
    }

    /// Does a module-level name mean the definition inside of which the root stands?
    fn encloses(&self, root: &Root, name: &Name) -> bool {
        self.uses.of(Home::Module, name).any(|a_use| {
            a_use.binding.is_some()
                && a_use.scope == self.scopes.module()
                && a_use.statement.start <= root.statement.start
                && root.statement.end <= a_use.statement.end
        })
    }

    /// A name as it is written and as it is stored.
    fn bound(&self, a_use: &Use) -> Bound {
        let stored = a_use.name.clone();
        let written = match self.text(&a_use.range) {
            text if text.starts_with("__") => Name::new(text),
            _ => stored.clone(),
        };
        Bound { written, stored }
    }

    fn text(&self, range: &Range<usize>) -> &str {
        self.document.text().get(range.clone()).unwrap_or_default()
    }

    fn value(&self, owner: ScopeId, name: &Name, why: Why) -> Obstacle {
        Obstacle::Value {
            name: name.to_string(),
            owner: self.scopes.get(owner).qualname.clone(),
            why,
        }
    }

    fn reads(&self, a_use: &Use, owner: ScopeId, name: &Name) -> bool {
        a_use.binding.is_none() && a_use.home == Home::Scope(owner) && a_use.name == *name
    }

    fn bindings_of<'s>(
        &'s self,
        owner: ScopeId,
        name: &Name,
    ) -> impl Iterator<Item = Cow<'s, Use>> {
        self.uses.of(Home::Scope(owner), name).filter(|a_use| {
            a_use
                .binding
                .is_some_and(|kind| kind != BindingKind::Annotation)
        })
    }
}
