//! A sample of the standard library at hand against CPython's own `symtable`; all of it is in real_symtable.rs.

mod reference;

#[test]
fn a_sample_of_the_standard_library_reads_as_in_cpython() {
    for python in reference::pythons() {
        reference::compare(&python, "*10\n").expect_none(&python);
    }
}
