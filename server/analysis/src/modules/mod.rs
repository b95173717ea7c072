//! Modules: the imports of a file, where it stands, which files its imports mean, which of them travel, and what the others
//! come from. There is one resolver, for slices, findings and `hoist analyze` alike.

mod follow;
mod import;
mod origin;
mod resolver;
mod shown;
mod standing;

pub(crate) use follow::{Collected, Follower, Foreign};
pub(crate) use import::{Guard, Import, ImportedName, imports_in, imports_of};
pub(crate) use origin::Provenance;
pub(crate) use resolver::{Resolver, Target, is_library_folder};
pub(crate) use shown::{Names, Shown, from_path};
pub(crate) use standing::{Standing, standing};
