//! What is known of names while a piece of a module is read: their numbers, and what each of its scopes does with them.

use super::collect::Block;
use super::model::Resolution;
use super::names::Name;
use rustc_hash::{FxBuildHasher, FxHashMap};

pub(super) type NameId = u32;

/// What a scope does with a name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Notice {
    pub(super) name: NameId,
    /// Its [`super::flags`].
    pub(super) bits: u16,
    /// Where its value lives; what the second pass found.
    pub(super) resolution: Resolution,
}

/// The names of the pieces of a module, which are mostly the same, and for the piece that is read where the notices of each are
/// among those of its scopes.
#[derive(Default)]
pub(super) struct Noted {
    names: Vec<Name>,
    numbers: FxHashMap<Name, NameId>,
    /// For each name the scope in which it stood last, and its place there.
    latest: Vec<(u32, u32)>,
    /// The places of all names in all scopes.
    places: FxHashMap<(u32, NameId), u32>,
    /// How many scopes there were in the pieces before.
    before: u32,
}

impl Noted {
    /// For a module of so many bytes.
    pub(super) fn of_text(bytes: usize) -> Noted {
        // As code is mostly written: tables that need not grow take less time to fill.
        let (names, places) = (bytes / 128, bytes / 64);
        Noted {
            names: Vec::with_capacity(names),
            numbers: FxHashMap::with_capacity_and_hasher(names, FxBuildHasher),
            latest: Vec::with_capacity(names),
            places: FxHashMap::with_capacity_and_hasher(places, FxBuildHasher),
            before: 0,
        }
    }

    /// Goes on to the next piece, after one of so many scopes.
    pub(super) fn go_on(&mut self, scopes: usize) {
        self.before += scopes as u32;
    }

    /// The number of a name.
    pub(super) fn number(&mut self, name: &str) -> NameId {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.names.len() as NameId;
        let name = Name::new(name);
        self.names.push(name.clone());
        self.latest.push((u32::MAX, 0));
        self.numbers.insert(name, number);
        number
    }

    /// The number of a name that some piece has.
    pub(super) fn known(&self, name: &str) -> Option<NameId> {
        self.numbers.get(name).copied()
    }

    pub(super) fn name(&self, number: NameId) -> &Name {
        &self.names[number as usize]
    }

    /// What a scope is known to do with a name; no flags where it does nothing.
    pub(super) fn flags(&self, blocks: &[Block], scope: usize, name: NameId) -> u16 {
        let place = self.places.get(&(self.before + scope as u32, name));
        place.map_or(0, |place| blocks[scope].names[*place as usize].bits)
    }

    /// The notice of a name in a scope, a new one without flags if there is none.
    pub(super) fn notice<'b>(
        &mut self,
        blocks: &'b mut [Block],
        scope: usize,
        name: NameId,
    ) -> &'b mut Notice {
        let own = &mut blocks[scope].names;
        let key = self.before + scope as u32;
        let latest = &mut self.latest[name as usize];
        if latest.0 != key {
            let place = self.places.entry((key, name)).or_insert_with(|| {
                own.push(Notice {
                    name,
                    bits: 0,
                    resolution: Resolution::GlobalImplicit,
                });
                own.len() as u32 - 1
            });
            *latest = (key, *place);
        }
        &mut own[latest.1 as usize]
    }
}
