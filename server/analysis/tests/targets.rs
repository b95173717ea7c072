//! What a file's code finds on the targets that its functions go to.

#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;

use hoist_analysis::{Packages, Settings, TargetPython};
use support::{Workspace, lines};

/// Targets with the versions of their Pythons; the first one is the default.
fn targets(pythons: &[(&str, &str)]) -> Settings {
    let python = |(target, version): &(&str, &str)| TargetPython {
        target: (*target).to_owned(),
        version: version.parse().unwrap(),
        packages: None,
        builds: false,
    };
    Settings {
        default_target: pythons.first().map(|(target, _)| (*target).to_owned()),
        pythons: pythons
            .iter()
            .map(|pair| (pair.0.to_owned(), python(pair)))
            .collect(),
        ..Settings::default()
    }
}

/// The findings of a file that stands alone.
fn said_with(settings: &Settings, source: &str) -> String {
    let workspace = Workspace::new(&[("train.py", source)]);
    lines(source, &workspace.findings_with("train.py", settings))
}

/// The findings when the target has this Python.
fn said_for(version: &str, source: &str) -> String {
    said_with(&targets(&[("discovery", version)]), source)
}

/// The lines of one code, without what the code has in common.
fn of_code(code: &str, said: &str) -> Vec<String> {
    let of_code = said.lines().filter(|line| line.contains(code));
    of_code.map(str::to_owned).collect()
}

#[test]
fn what_the_targets_python_lacks() {
    let source = "\
from __future__ import annotations
import tomllib
import asyncore
from functools import cache, lru_cache
import math
try:
    import zoneinfo
except ImportError:
    zoneinfo = None

def f(x):
    if (n := len(x)) > 3:
        return math.prod(x)
    match n:
        case 1: return f'{x!r}'
    return tomllib, asyncore, cache, lru_cache
";
    insta::assert_snapshot!("old", said_for("3.6", source));
    insta::assert_snapshot!("new", said_for("3.13", source));
    assert_eq!(said_with(&Settings::default(), source), "");
}

#[test]
fn an_import_that_the_target_lacks_can_move_into_its_function() {
    let source = "\
import tomllib
       ^^^^^^^ moves into `read`
from functools import cache, reduce
                      ^^^^^ stays
from math import sqrt, isqrt
                       ^^^^^ moves into `root`

@cache
def read(path):
    return tomllib.load(path), reduce

def root(x):
    return isqrt(x)
";
    let is_mark = |line: &&str| line.trim_start().starts_with('^');
    let text: String = source
        .split_inclusive('\n')
        .filter(|line| !is_mark(line))
        .collect();
    let workspace = Workspace::new(&[("train.py", &text)]);
    let found = workspace.findings_with("train.py", &targets(&[("far", "3.6")]));
    let told: Vec<String> = found
        .iter()
        .map(|finding| match finding.fixes.as_slice() {
            [fix] => fix.title.rsplit_once(" into ").unwrap().1.to_owned(),
            _ => "stays".to_owned(),
        })
        .collect();
    let marks: Vec<&str> = source
        .lines()
        .filter(is_mark)
        .map(|line| {
            line.trim_start_matches(['^', ' '])
                .trim_start_matches("moves into ")
        })
        .collect();
    assert_eq!(told, marks, "{}", lines(&text, &found));
}

#[test]
fn a_module_of_ones_own_is_not_the_librarys() {
    let source = "import parser\n\ndef f():\n    return parser.parse()\n";
    let workspace = Workspace::new(&[
        ("train.py", source),
        ("parser.py", "def parse():\n    return 1\n"),
    ]);
    let found = workspace.findings_with("train.py", &targets(&[("discovery", "3.12")]));
    assert_eq!(lines(source, &found), "");
}

#[test]
fn a_target_above_a_function_must_be_one() {
    let source = "\
# hoist: target=discovry cores=8
def train(lr=0.1):
    return lr

# hoist: target=discovery
def test():
    return 1
";
    let workspace = Workspace::new(&[("train.py", source)]);
    let told = |targets: Option<&[&str]>| {
        let settings = Settings {
            targets: targets.map(|names| names.iter().map(ToString::to_string).collect()),
            ..Settings::default()
        };
        lines(source, &workspace.findings_with("train.py", &settings))
    };
    assert_eq!(
        told(Some(&["discovery", "local"])),
        "1 warning HST053 `discovry`: `train` is to run on `discovry`, and no configuration has such a target: known are discovery, local; correct the name, or add [targets.discovry] to hoist.toml"
    );
    assert_eq!(told(None), "");
}

#[test]
fn what_came_or_went_is_told_by_its_outermost_part() {
    let source = "\
import subprocess
import distutils.util
from collections import Mapping, OrderedDict
import imp, cgi
import os
import importlib.resources
from xml.etree import ElementTree as ET

def f(command, a, b):
    subprocess.run(command, capture_output=True, check=True)
    os.path.splitroot(command)
    ET.indent(ET.fromstring(command))
    return list(zip(a, b, strict=True)), str.removeprefix('a', 'b')
";
    let old = said_for("3.6", source);
    assert_eq!(
        old,
        "\
6 error HST046 `importlib.resources`: `importlib.resources` is there from Python 3.7 on, and the target discovery has Python 3.6
10 warning HST046 `capture_output`: the keyword `capture_output` of `subprocess.run` is there from Python 3.7 on, and the target discovery has Python 3.6
11 warning HST046 `splitroot`: `os.path.splitroot` is there from Python 3.12 on, and the target discovery has Python 3.6
12 warning HST046 `indent`: `xml.etree.ElementTree.indent` is there from Python 3.9 on, and the target discovery has Python 3.6
13 warning HST046 `strict`: the keyword `strict` of `zip` is there from Python 3.10 on, and the target discovery has Python 3.6
13 warning HST046 `removeprefix`: `str.removeprefix` is there from Python 3.9 on, and the target discovery has Python 3.6"
    );
    let new = said_for("3.13", source);
    assert_eq!(
        new,
        "\
2 error HST046 `distutils.util`: `distutils` is gone since Python 3.12, and the target discovery has Python 3.13
3 error HST046 `Mapping`: `collections.Mapping` is gone since Python 3.10, and the target discovery has Python 3.13
4 error HST046 `imp`: `imp` is gone since Python 3.12, and the target discovery has Python 3.13
4 error HST046 `cgi`: `cgi` is gone since Python 3.13, and the target discovery has Python 3.13"
    );
}

#[test]
fn a_function_is_judged_by_the_target_that_it_names() {
    let source = "\
import tomllib
import math

def helper(n):
    return math.prod(n)

# hoist: target=old
def there(path):
    if (n := len(path)) > 3:
        return helper(path)
    return tomllib

def here(path):
    if (n := len(path)) > 3:
        return n
";
    let told = |pythons: &[(&str, &str)]| of_code("HST046", &said_with(&targets(pythons), source));
    assert_eq!(told(&[("new", "3.13")]).len(), 0);
    assert_eq!(told(&[("new", "3.13"), ("old", "3.12")]).len(), 0);
    assert_eq!(
        told(&[("new", "3.13"), ("old", "3.6")]),
        [
            "1 error HST046 `tomllib`: `tomllib` is there from Python 3.11 on, and the target old has Python 3.6",
            "5 warning HST046 `prod`: `math.prod` is there from Python 3.8 on, and the target old has Python 3.6",
            "9 error HST046 `n := len(path)`: the target old has Python 3.6, which has no named assignment expression (`:=`) (added in Python 3.8), so nothing that carries this line can run there",
        ]
    );
    // What only the old one gets is no business of the default.
    let by_default = told(&[("default", "3.6"), ("old", "3.13")]);
    let lines: Vec<&str> = by_default
        .iter()
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    assert_eq!(lines, ["5", "14"]);
}

/// A target that was asked what it can import.
fn asked(modules: &[&str], distributions: &[(&str, &str)]) -> Settings {
    let mut settings = targets(&[("far", "3.9")]);
    let packages = Packages {
        modules: modules.iter().map(ToString::to_string).collect(),
        distributions: distributions
            .iter()
            .map(|(name, version)| (name.to_string(), version.to_string()))
            .collect(),
    };
    if let Some(python) = settings.pythons.get_mut("far") {
        python.packages = Some(Arc::new(packages));
    }
    settings
}

#[test]
fn a_package_that_the_target_lacks_is_told_once() {
    let source = "\
from typing import TYPE_CHECKING
import cv2
import numpy as np
import mine
import nobody_knows_this
import json
if TYPE_CHECKING:
    import pandas
try:
    import torch
except ImportError:
    torch = None

def f():
    import cv2.data
    import scipy.stats
    return np
";
    let workspace = Workspace::new(&[("train.py", source), ("mine.py", "")]);
    let told = |settings: &Settings| {
        let said = lines(source, &workspace.findings_with("train.py", settings));
        of_code("HST026", &said)
    };
    assert_eq!(
        told(&asked(&["numpy", "sys"], &[("numpy", "1.19.5")])),
        [
            "2 warning HST026 `cv2`: `cv2` comes with `opencv-python`, which the target far lacks (Python 3.9): install it there, or choose a Python there that has it",
            "16 warning HST026 `scipy.stats`: `scipy.stats` comes with `scipy`, which the target far lacks (Python 3.9): install it there, or choose a Python there that has it",
        ]
    );
    // By its module alone: another distribution may bring it.
    assert_eq!(told(&asked(&["cv2", "numpy", "scipy"], &[])), [""; 0]);
    assert_eq!(told(&targets(&[("far", "3.9")])), [""; 0]);
}
