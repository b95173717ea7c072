//! The map of environments against what Python itself says, over every Python of pyenv from 3.10 on that is here.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod pythons;

use std::path::PathBuf;

use pythons::differences;

#[test]
fn every_python_of_pyenv_has_the_map_that_it_has_itself() {
    let root = std::env::var_os("PYENV_ROOT").map(PathBuf::from);
    let versions = root.map(|root| root.join("versions"));
    let folders = versions.and_then(|path| std::fs::read_dir(path).ok());
    let mut compared = 0;
    for folder in folders.into_iter().flatten().flatten() {
        let name = folder.file_name().into_string().unwrap();
        let minor: Option<u32> = name
            .strip_prefix("3.")
            .and_then(|rest| rest.split('.').next()?.parse().ok());
        let python = folder.path().join("bin/python3");
        if minor.is_some_and(|minor| minor >= 10) && python.is_file() {
            assert_eq!(differences(&python), Vec::<String>::new(), "{name}");
            compared += 1;
        }
    }
    println!("compared {compared} Pythons of pyenv");
}
