//! Second pass: find out where each name's value lives, as `analyze_block` of CPython's Python/symtable.c does.

use super::collect::{Block, Collected};
use super::flags;
use super::model::*;
use super::names::Name;
use super::noted::{NameId, Noted};

/// Where a name is found from a scope that does not bind it.
enum Found {
    /// A function's variable; the scope that owns it, or the class that gives `__class__`.
    In(usize),
    Global(Resolution),
}

/// Finishes the scopes of one piece of a module: symbols, qualified names, order. What a name means in a function or class
/// never depends on other statements of the module: a name that no scope around it binds is global, bound or not.
///
/// Beside the scopes, the first of which is the module's own as far as this piece goes, the flags of its names.
pub(super) fn resolve(collected: Collected, noted: &mut Noted) -> (Vec<Scope>, Vec<(Name, u16)>) {
    let mut blocks = collected.blocks;
    let class_cell = noted.known("__class__");
    for scope in 0..blocks.len() {
        for index in 0..blocks[scope].names.len() {
            let notice = blocks[scope].names[index];
            let bits = notice.bits;
            if bits & flags::PASSED != 0 {
                continue;
            }
            let resolution = if bits & flags::GLOBAL != 0 {
                Resolution::GlobalExplicit
            } else if bits & flags::NONLOCAL == 0 && bits & flags::BOUND != 0 {
                Resolution::Local
            } else {
                match find(&blocks, noted, scope, notice.name, class_cell) {
                    Found::Global(resolution) => resolution,
                    Found::In(owner) => {
                        pass_through(&mut blocks, noted, scope, owner, notice.name);
                        Resolution::Free
                    }
                }
            };
            blocks[scope].names[index].resolution = resolution;
        }
    }
    for scope in 0..blocks.len() {
        blocks[scope].scope.qualname = qualname(&blocks, noted, scope);
        let symbols = blocks[scope].names.iter().map(|notice| {
            let name = noted.name(notice.name).clone();
            (name, symbol(notice.bits, notice.resolution))
        });
        let mut symbols: Vec<(Name, Symbol)> = symbols.collect();
        symbols.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        let own = &mut blocks[scope].scope;
        own.symbols = Symbols(symbols);
        own.bindings.sort_by_key(|binding| binding.range.start);
        own.references
            .sort_by_key(|reference| reference.range.start);
    }
    noted.go_on(blocks.len());
    let own = blocks.first().map_or(&[][..], |module| &module.names);
    let own = own
        .iter()
        .map(|notice| (noted.name(notice.name).clone(), notice.bits))
        .collect();
    let scopes = blocks.into_iter().map(|block| block.scope).collect();
    (scopes, own)
}

/// What a name of the module's own scope means, by its flags in all pieces together.
pub(super) fn of_module(bits: u16) -> Symbol {
    let resolution = if bits & flags::GLOBAL != 0 {
        Resolution::GlobalExplicit
    } else if bits & flags::NONLOCAL == 0 && bits & flags::BOUND != 0 {
        Resolution::Local
    } else {
        Resolution::GlobalImplicit
    };
    symbol(bits, resolution)
}

fn symbol(bits: u16, resolution: Resolution) -> Symbol {
    let has = |flag: u16| bits & flag != 0;
    Symbol {
        resolution: if resolution == Resolution::Local && has(flags::CELL) {
            Resolution::Cell
        } else {
            resolution
        },
        is_parameter: has(flags::PARAMETER),
        is_assigned: has(flags::LOCAL),
        is_imported: has(flags::IMPORT),
        is_referenced: has(flags::USE),
        is_annotated: has(flags::ANNOTATED),
        is_nonlocal: has(flags::NONLOCAL),
        is_type_parameter: has(flags::TYPE_PARAMETER),
        is_free_class: has(flags::FREE_CLASS),
    }
}

/// Looks outwards from a scope that does not bind the name. Classes are passed over, but for `__class__`.
fn find(
    blocks: &[Block],
    noted: &Noted,
    scope: usize,
    name: NameId,
    class_cell: Option<NameId>,
) -> Found {
    let bits = |scope: usize| noted.flags(blocks, scope, name);
    let is_type_scope = |scope: &Scope| {
        matches!(
            scope.kind,
            ScopeKind::TypeParameters | ScopeKind::Annotation
        )
    };
    // Type parameters and the like directly in a class look into it first; at run time, hence not as a free variable.
    let mut sees_class = is_type_scope(&blocks[scope].scope);
    let mut at = scope;
    while let Some(parent) = blocks[at].scope.parent {
        let around = &blocks[parent.number()].scope;
        match around.kind {
            ScopeKind::Module => break,
            ScopeKind::Class if Some(name) == class_cell => return Found::In(parent.number()),
            ScopeKind::Class => {
                let own = bits(parent.number());
                if sees_class && own & flags::GLOBAL != 0 {
                    return Found::Global(Resolution::GlobalExplicit);
                }
                if sees_class && own & flags::BOUND != 0 && own & flags::NONLOCAL == 0 {
                    return Found::Global(Resolution::GlobalImplicit);
                }
            }
            _ => {
                let own = bits(parent.number());
                if own & flags::GLOBAL != 0 {
                    break;
                }
                if own & flags::BOUND != 0 && own & flags::NONLOCAL == 0 {
                    return Found::In(parent.number());
                }
            }
        }
        sees_class &= is_type_scope(around);
        at = parent.number();
    }
    Found::Global(Resolution::GlobalImplicit)
}

/// Makes the name a free variable of all scopes between its user and its owner, and a cell of the owner.
fn pass_through(blocks: &mut [Block], noted: &mut Noted, user: usize, owner: usize, name: NameId) {
    if blocks[user].scope.is_detached {
        return;
    }
    let mut at = blocks[user].scope.parent.map(|parent| parent.number());
    while let Some(scope) = at.filter(|scope| *scope != owner) {
        let is_class = blocks[scope].scope.kind == ScopeKind::Class;
        let notice = noted.notice(blocks, scope, name);
        if notice.bits == 0 {
            notice.bits = flags::PASSED;
            notice.resolution = Resolution::Free;
        } else if is_class && notice.bits & (flags::BOUND | flags::GLOBAL) != 0 {
            notice.bits |= flags::FREE_CLASS;
        }
        at = blocks[scope].scope.parent.map(|parent| parent.number());
    }
    if blocks[owner].scope.kind != ScopeKind::Class {
        noted.notice(blocks, owner, name).bits |= flags::CELL;
    }
}

/// `compiler_set_qualname` of CPython's Python/compile.c. The scopes around are finished already.
fn qualname(blocks: &[Block], noted: &Noted, scope: usize) -> String {
    let own = &blocks[scope];
    let mut around = own
        .scope
        .parent
        .map(|parent| &blocks[parent.number()].scope);
    let mut stored_in = own.scope.parent.map(|parent| parent.number());
    while let Some(parent) = around.filter(|parent| {
        matches!(
            parent.kind,
            ScopeKind::TypeParameters | ScopeKind::Annotation
        )
    }) {
        stored_in = parent.parent.map(|parent| parent.number());
        around = parent.parent.map(|parent| &blocks[parent.number()].scope);
    }
    let (Some(parent), Some(number)) = (around, stored_in) else {
        return String::new();
    };
    let is_global = own
        .stored_name
        .is_some_and(|name| noted.flags(blocks, number, name) & flags::GLOBAL != 0);
    if is_global || parent.kind == ScopeKind::Module {
        return own.scope.name.to_string();
    }
    match parent.kind {
        ScopeKind::Function | ScopeKind::Lambda => {
            format!("{}.<locals>.{}", parent.qualname, own.scope.name)
        }
        _ => format!("{}.{}", parent.qualname, own.scope.name),
    }
}
