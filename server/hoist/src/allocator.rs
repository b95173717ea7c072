//! The allocator of the whole programme.
//!
//! Many small pieces are made and dropped for every text, by one thread and another: the system's allocators are slower at that,
//! and their slow moments longer. The crate that binds mimalloc asks it for an alignment each time, which is another, slower way
//! in; nearly all that is asked for has the alignment that everything has.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout};

use libmimalloc_sys::{
    mi_free, mi_malloc, mi_malloc_aligned, mi_realloc, mi_realloc_aligned, mi_zalloc,
    mi_zalloc_aligned,
};

/// mimalloc.
pub(crate) struct Allocator;

/// Is this the alignment that mimalloc gives to all memory of that size?
fn is_aligned_anyway(align: usize, size: usize) -> bool {
    const ALWAYS: usize = 8;
    const OF_LARGER: usize = 16;
    align <= ALWAYS || (align <= OF_LARGER && OF_LARGER <= size)
}

// SAFETY: each answer is one of mimalloc's own, which are all given back by `mi_free`, whichever function made them; it never
// unwinds, and says by a null pointer that there is no memory. Memory of the alignment asked for comes from the functions that
// take it, or from those that give it to all memory of the size (`MI_MAX_ALIGN_SIZE` in mimalloc/types.h).
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let (size, align) = (layout.size(), layout.align());
        // SAFETY: any size and any power of two is answered.
        unsafe {
            match is_aligned_anyway(align, size) {
                true => mi_malloc(size),
                false => mi_malloc_aligned(size, align),
            }
        }
        .cast()
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let (size, align) = (layout.size(), layout.align());
        // SAFETY: as above.
        unsafe {
            match is_aligned_anyway(align, size) {
                true => mi_zalloc(size),
                false => mi_zalloc_aligned(size, align),
            }
        }
        .cast()
    }

    #[inline]
    unsafe fn dealloc(&self, memory: *mut u8, _: Layout) {
        // SAFETY: it came from one of the functions above.
        unsafe { mi_free(memory.cast()) }
    }

    #[inline]
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let align = layout.align();
        // SAFETY: it came from one of the functions above; what it held is moved as far as there is room.
        unsafe {
            match is_aligned_anyway(align, size) {
                true => mi_realloc(memory.cast(), size),
                false => mi_realloc_aligned(memory.cast(), size, align),
            }
        }
        .cast()
    }
}
