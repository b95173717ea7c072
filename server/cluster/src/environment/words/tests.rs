use super::*;

/// Words of pip and uv of several years, and what they mean: the kind, the requirement, the sentence.
#[test]
fn the_words_of_pip_and_uv_are_understood() {
    let told = [
        // pip 9.
        "Collecting sunlit==9 (from -r requirements.txt (line 1))\n  Could not find a version that satisfies the requirement sunlit==9 (from -r requirements.txt (line 1)) (from versions: 1.2, 1.3)\nNo matching distribution found for sunlit==9 (from -r requirements.txt (line 1))",
        // pip 23.
        "ERROR: Could not find a version that satisfies the requirement sunlit==9 (from versions: 1.0, 1.1, 1.2, 1.3, 1.4, 2.0)\nERROR: No matching distribution found for sunlit==9",
        "ERROR: Could not find a version that satisfies the requirement nightly==1 (from versions: none)\nERROR: No matching distribution found for nightly==1",
        "ERROR: Ignored the following versions that require a different python version: 2.0 Requires-Python >=3.9; 2.1 Requires-Python >=3.10\nERROR: Could not find a version that satisfies the requirement numpy==2.1 (from versions: 1.0)\nERROR: No matching distribution found for numpy==2.1",
        "ERROR: Package 'scipy' requires a different Python: 3.6.15 not in '>=3.8'",
        "ERROR: torch-2.1.0+cu121-cp311-cp311-linux_x86_64.whl is not a supported wheel on this platform.",
        "Collecting mpi4py==3.1\n  Downloading mpi4py-3.1.tar.gz (2.5 MB)\nBuilding wheels for collected packages: mpi4py\n  Building wheel for mpi4py (pyproject.toml): started\n  error: subprocess-exited-with-error\n  x Building wheel for mpi4py (pyproject.toml) did not run successfully.\n  src/mpi.c:1:10: fatal error: mpi.h: No such file or directory\n  ERROR: Failed building wheel for mpi4py\nFailed to build mpi4py\nERROR: Could not build wheels for mpi4py, which is required to install pyproject.toml-based projects",
        "Collecting psycopg2==2.9.9\n  Downloading psycopg2-2.9.9.tar.gz (384 kB)\n  Preparing metadata (setup.py): finished with status 'error'\n  error: subprocess-exited-with-error\n  Error: pg_config executable not found.\nerror: metadata-generation-failed",
        "ERROR: Cannot install a==1 and b==2 because these package versions have conflicting dependencies.\nERROR: ResolutionImpossible: for help visit https://pip.pypa.io",
        "WARNING: Retrying (Retry(total=4, connect=None)) after connection broken by 'NewConnectionError('<pip._vendor.urllib3.connection.HTTPSConnection object at 0x7f>: Failed to establish a new connection: [Errno -3] Temporary failure in name resolution')': /simple/six/\nERROR: Could not find a version that satisfies the requirement six==1.16.0 (from versions: none)\nERROR: No matching distribution found for six==1.16.0",
        "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
        "ERROR: Could not install packages due to an OSError: [Errno 122] Disk quota exceeded",
        // uv 0.9.
        "  \u{d7} No solution found when resolving dependencies:\n  \u{2570}\u{2500}\u{25b6} Because nightly was not found in the package registry and you require\n      nightly==1, we can conclude that your requirements are unsatisfiable.",
        "  \u{d7} No solution found when resolving dependencies:\n  \u{2570}\u{2500}\u{25b6} Because the current Python version (3.9.18) does not satisfy Python>=3.11\n      and numpy==2.3.0 depends on Python>=3.11, we can conclude that numpy==2.3.0\n      cannot be used.\n      And because you require numpy==2.3.0, we can conclude that your\n      requirements are unsatisfiable.",
        "  \u{d7} Failed to build `moonlit==1.0`\n  \u{251c}\u{2500}\u{25b6} The build backend returned an error\n  \u{2570}\u{2500}\u{25b6} Call to `backend.build_wheel` failed (exit status: 1)\n\n      [stderr]\n      moonlit.c:1:10: fatal error: moon.h: No such file or directory",
        // uv 0.13.
        "error: No solution found when resolving dependencies\n  cause: Because there is no version of six==99 and you require six==99, we can conclude that your requirements are unsatisfiable.",
        "error: Failed to fetch: `https://pypi.org/simple/six/`\n  cause: Request failed after 3 retries\n  cause: error sending request for url (https://pypi.org/simple/six/)\n  cause: client error (Connect)\n  cause: dns error: failed to lookup address information: Name or service not known",
        // Neither.
        "Segmentation fault",
    ];
    let understood = told.map(|log| {
        let log = format!("hoist: making an environment of Python 3.9.18\n{log}\nhoist: not built (install): status 1\n");
        let error = BuildError::of_log("discovery", &log).expect("it failed");
        assert!(!error.words.is_empty() && !error.words.contains("hoist:"), "{log}");
        format!("{:?} {:?}\n  {error}", error.kind, error.requirement.as_deref().unwrap_or_default())
    });
    insta::assert_snapshot!(understood.join("\n"));
}

#[test]
fn what_never_came_to_an_install_is_told_as_it_is() {
    let of = |kind: &str, reason: &str| {
        let log = format!("hoist: not built ({kind}): {reason}\n");
        let error = BuildError::of_log("discovery", &log).expect("it failed");
        (error.kind, error.to_string())
    };
    let (kind, text) = of(
        "python",
        "the Python there is 3.6.8 (/usr/bin/python3), but the environment is for Python 3.11",
    );
    assert_eq!(kind, BuildErrorKind::Python);
    assert!(
        text.starts_with(
            "discovery: no environment was built, the Python there is 3.6.8 (/usr/bin/python3), but"
        ),
        "{text}"
    );
    assert_eq!(of("tools", "there is no uv").0, BuildErrorKind::Tools);
    assert_eq!(of("ended", "nobody waits").0, BuildErrorKind::Ended);
    assert_eq!(
        BuildError::of_log("discovery", "Traceback (most recent call last):\n"),
        None
    );
}

#[test]
fn no_log_is_too_much() {
    let line = format!("{}\u{1b}[31m\n", "x".repeat(500));
    let log = line.repeat(5_000) + "hoist: not built (install): status 1\n";
    let error = BuildError::of_log("discovery", &log).expect("it failed");
    assert!(
        error.words.chars().count() <= MOST_CHARACTERS && error.words.lines().count() <= MOST_LINES
    );
    assert!(!error.words.contains('\u{1b}'));
}
