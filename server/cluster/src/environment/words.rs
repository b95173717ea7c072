//! What pip and uv say when they fail, understood: which requirement it was, and why.

use crate::error::{ClusterError, ErrorKind, one_line};

/// Why there is no environment, for programmes; people read the sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BuildErrorKind {
    /// The target could not be reached or used.
    Target(ErrorKind),
    /// The Python there is another one than the environment is for.
    Python,
    /// The Python there cannot make one, and there is no uv.
    Tools,
    /// No index has this requirement, or not in this version.
    NotFound,
    /// The requirement is for other Pythons, or has nothing for this platform.
    Unfit,
    /// The requirement had to be built from its source, and that failed.
    Source,
    /// Requirements contradict each other.
    Conflict,
    /// No index could be reached from there.
    Network,
    /// The disk or the quota there is full.
    DiskFull,
    /// It was ended from outside, or nobody waited for it.
    Ended,
    /// Something else.
    Other,
}

/// One sentence: the target, why there is no environment, what to do; and the words of pip or uv.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{target}: {why}; {mend}")]
pub struct BuildError {
    /// The target's name in the configuration.
    pub target: String,
    /// The kind, for programmes.
    pub kind: BuildErrorKind,
    /// The requirement that failed, as pip or uv names it.
    pub requirement: Option<String>,
    /// The telling lines of pip or uv, at most 20 and 2,000 characters; empty where neither came to a word.
    pub words: String,
    /// What happened.
    pub why: String,
    /// What the person can do about it.
    pub mend: String,
}

impl BuildError {
    /// Whether trying again, without a person and without a change, may help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        use ErrorKind::{Connection, Refused, Timeout, UnknownHost};
        matches!(
            self.kind,
            BuildErrorKind::Target(UnknownHost | Refused | Timeout | Connection)
        )
    }

    /// Understands the log of a build that failed: that of [`crate::BuildProgress::Log`], or the standard error of a job that built its
    /// environment itself. None where nothing in it says that a build failed.
    #[must_use]
    pub fn of_log(target: &str, log: &str) -> Option<Self> {
        let (kind, reason) = log.lines().rev().find_map(|line| {
            let told = line.strip_prefix(NOT_BUILT)?;
            told.split_once("): ")
        })?;
        Some(understand(target, kind, reason, log))
    }
}

impl From<ClusterError> for BuildError {
    fn from(error: ClusterError) -> Self {
        Self {
            target: error.target,
            kind: BuildErrorKind::Target(error.kind),
            requirement: None,
            words: String::new(),
            why: error.why,
            mend: error.mend,
        }
    }
}

/// How the last line of a log begins when nothing was built, as in build.py; the kind follows, then `): ` and the reason.
pub(super) const NOT_BUILT: &str = "hoist: not built (";

/// What a log says: which requirement, why, with which words, and what to do.
struct Found {
    kind: BuildErrorKind,
    requirement: Option<String>,
    /// The line that tells it, by its number in the log.
    at: usize,
    why: String,
    mend: &'static str,
}

fn understand(target: &str, kind: &str, reason: &str, log: &str) -> BuildError {
    let lines: Vec<&str> = log.lines().map(str::trim_end).collect();
    let plain = |kind, mend: &str| BuildError {
        target: target.to_owned(),
        kind,
        requirement: None,
        words: String::new(),
        why: one_line(&format!("no environment was built, {reason}")),
        mend: mend.to_owned(),
    };
    let found = match kind {
        "python" => {
            return plain(
                BuildErrorKind::Python,
                "set `python` or `modules` of the target to that Python, and run again",
            );
        }
        "tools" => {
            return plain(
                BuildErrorKind::Tools,
                "install uv there (`curl -LsSf https://astral.sh/uv/install.sh | sh`) or the package python3-venv, or set `python` of the target to another Python",
            );
        }
        "ended" => return plain(BuildErrorKind::Ended, "run again"),
        _ => [disk, network, unfit, source, conflict, missing]
            .into_iter()
            .find_map(|look| look(&lines)),
    };
    let Some(found) = found else {
        let mut error = plain(
            BuildErrorKind::Other,
            "look at its log, which the last lines are of",
        );
        error.words = words(&lines, None, BuildErrorKind::Other);
        return error;
    };
    BuildError {
        target: target.to_owned(),
        kind: found.kind,
        words: words(&lines, Some(found.at), found.kind),
        requirement: found.requirement,
        why: one_line(&found.why),
        mend: found.mend.to_owned(),
    }
}

/// The last line for which this gives something, with its number.
fn last<'a, T>(lines: &[&'a str], look: impl Fn(&'a str) -> Option<T>) -> Option<(usize, T)> {
    let mut numbered = lines.iter().enumerate().rev();
    numbered.find_map(|(at, line)| Some((at, look(line)?)))
}

/// What stands between two texts in a line.
fn between<'a>(line: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(before)?;
    let end = if after.is_empty() {
        rest.len()
    } else {
        rest.find(after)?
    };
    let found = rest[..end].trim();
    (!found.is_empty()).then_some(found)
}

fn disk(lines: &[&str]) -> Option<Found> {
    let full = |line: &str| {
        let low = line.to_ascii_lowercase();
        if low.contains("no space left on device") {
            Some("the disk there is full")
        } else if low.contains("disk quota exceeded") {
            Some("the disk quota there is used up")
        } else {
            None
        }
    };
    let (at, what) = last(lines, full)?;
    Some(Found {
        kind: BuildErrorKind::DiskFull,
        requirement: None,
        at,
        why: format!("no environment was built, {what}"),
        mend: "free some room there, set `work_dir` of the target to another file system, or TMPDIR in its `env`",
    })
}

/// What a connection that did not come about is called by pip's, uv's and the system's words.
const UNREACHED: [&str; 14] = [
    "after connection broken by",
    "connection refused",
    "network is unreachable",
    "no route to host",
    "name resolution",
    "name or service not known",
    "nodename nor servname",
    "dns error",
    "timed out",
    "connecttimeouterror",
    "proxyerror",
    "sslerror",
    "error sending request",
    "tcp connect error",
];

fn network(lines: &[&str]) -> Option<Found> {
    let (at, ()) = last(lines, |line| {
        let low = line.to_ascii_lowercase();
        UNREACHED
            .iter()
            .any(|word| low.contains(word))
            .then_some(())
    })?;
    // A connection that came about after all is no reason.
    let rest = &lines[at..];
    let goes_on = |line: &&str| line.starts_with("Collecting ") || line.contains("Downloading ");
    if rest.iter().skip(1).any(goes_on) || lines.iter().any(|line| line.contains("Failed to build"))
    {
        return None;
    }
    // Of an index that answered nothing there are no versions.
    let versions = last(lines, |line| between(line, "(from versions: ", ")"));
    if versions.is_some_and(|(_, versions)| versions != "none") {
        return None;
    }
    let host = last(lines, |line| {
        between(line, "host='", "'").or_else(|| between(line, "://", "/"))
    });
    let host = host.map(|(_, host)| host.rsplit('@').next().unwrap_or(host));
    Some(Found {
        kind: BuildErrorKind::Network,
        requirement: None,
        at,
        why: format!(
            "no environment was built, the package index{} cannot be reached from there",
            host.map(|host| format!(" on {host}")).unwrap_or_default()
        ),
        mend: "have the wheels fetched here and carried over, or set an index or a proxy that is reached from there (pip.conf, HTTPS_PROXY in the target's `env`)",
    })
}

fn unfit(lines: &[&str]) -> Option<Found> {
    let mend =
        "choose another version of it, or another Python with `python` or `modules` of the target";
    let told = |requirement: Option<String>, at, why: String| {
        Some(Found {
            kind: BuildErrorKind::Unfit,
            requirement,
            at,
            why,
            mend,
        })
    };
    // pip: ERROR: Package 'x' requires a different Python: 3.6.15 not in '>=3.8'
    if let Some((at, (package, versions))) = last(lines, |line| {
        let (head, versions) = line.split_once(" requires a different Python: ")?;
        let package = head.rsplit(' ').next()?.trim_matches(['\'', '"']);
        Some((package.to_owned(), versions.to_owned()))
    }) {
        let why = format!("{package} is for another Python ({versions})");
        return told(Some(package), at, why);
    }
    // pip: ERROR: Ignored the following versions that require a different python version: 1.2 Requires-Python >=3.9; ...
    let wanted = last(lines, |line| {
        let wanted = between(line, "No matching distribution found for ", "")?;
        Some(wanted.split(" (from").next()?.to_owned())
    });
    if let Some((at, wanted)) = &wanted
        && let Some((_, version)) = wanted.split_once("==")
        && let Some((_, needed)) = last(lines, |line| {
            let list = between(line, "require a different python version: ", "")?;
            list.split(';').find_map(|one| {
                let (found, needed) = one.split_once(" Requires-Python ")?;
                (found.trim() == version.trim()).then(|| needed.trim().to_owned())
            })
        })
    {
        let why = format!("{wanted} is for another Python ({needed})");
        return told(Some(wanted.clone()), *at, why);
    }
    // pip: ERROR: x-1-cp39-cp39-win_amd64.whl is not a supported wheel on this platform.
    if let Some((at, wheel)) = last(lines, |line| {
        let (head, _) = line.split_once(" is not a supported wheel on this platform")?;
        Some(head.rsplit([' ', '/']).next()?.to_owned())
    }) {
        let why = format!("{wheel} is not for this Python or platform");
        // A wheel's name begins with that of its package and the version.
        let mut parts = wheel.splitn(3, '-');
        let requirement = match (parts.next(), parts.next()) {
            (Some(name), Some(version)) => format!("{name}=={version}"),
            _ => wheel.clone(),
        };
        return told(Some(requirement), at, why);
    }
    // uv: Because the current Python version (3.8.18) does not satisfy Python>=3.9 and x==1 depends on Python>=3.9, ...
    let text = joined(lines);
    if let Some(needed) = between(&text, "does not satisfy Python", " and ")
        && let Some(package) = between(
            &text,
            &format!("does not satisfy Python{needed} and "),
            " depends on",
        )
    {
        let why = format!("{package} is for another Python ({needed})");
        return told(Some(package.to_owned()), anchor(lines), why);
    }
    // uv: Because x==1 has no wheels with a matching Python ABI tag (e.g., `cp38`) ...
    if let Some((head, _)) = text
        .split_once(" has no wheels with a matching")
        .or_else(|| text.split_once(" has no usable wheels"))
        .or_else(|| text.split_once(" has no wheels are available"))
        && let Some(package) = head
            .rsplit("Because ")
            .next()
            .filter(|name| !name.contains(' '))
    {
        let why = format!("{package} has no wheel for this Python and platform");
        return told(Some(package.to_owned()), anchor(lines), why);
    }
    None
}

/// uv's words are broken into lines and marked on the left.
fn joined(lines: &[&str]) -> String {
    let words = lines.iter().flat_map(|line| line.split_whitespace());
    let words: Vec<&str> = words.filter(|word| !is_mark(word)).collect();
    words.join(" ")
}

fn is_mark(word: &str) -> bool {
    word.chars().all(|c| "×╰─▶├│".contains(c))
}

/// Where uv's words begin.
fn anchor(lines: &[&str]) -> usize {
    last(lines, |line| {
        let line = line.trim_start();
        (line.starts_with('×') || line.starts_with("error:")).then_some(())
    })
    .map_or(lines.len().saturating_sub(1), |(at, ())| at)
}

fn source(lines: &[&str]) -> Option<Found> {
    let failed = |line: &str| {
        between(line, "Failed building wheel for ", "")
            .or_else(|| between(line, "Failed to build `", "`"))
            .or_else(|| between(line, "Could not build wheels for ", ","))
            .or_else(|| between(line, "Failed to download and build `", "`"))
            .or_else(|| between(line, "Failed building wheel for ", ""))
            .map(|name| name.split([',', ' ']).next().unwrap_or(name).to_owned())
    };
    let (at, name) = match last(lines, failed) {
        Some(found) => found,
        None => {
            // Its metadata could not be made; whose, the line says that was last being fetched.
            let (at, ()) = last(lines, |line| {
                let failed = [
                    "metadata-generation-failed",
                    "subprocess-exited-with-error",
                    "Command errored out with exit status",
                    "\" failed with error code",
                ];
                failed.iter().any(|word| line.contains(word)).then_some(())
            })?;
            let name = last(&lines[..at], |line| {
                between(line, "Collecting ", "").map(|name| {
                    name.split(" (from")
                        .next()
                        .unwrap_or(name)
                        .trim()
                        .to_owned()
                })
            })?;
            (at, name.1)
        }
    };
    Some(Found {
        kind: BuildErrorKind::Source,
        at,
        why: format!(
            "{name} has no wheel for this Python and platform, and building it from its source failed"
        ),
        requirement: Some(name),
        mend: "choose a version that has a wheel, or load what it needs (compilers, headers) with `modules` or `setup` of the target",
    })
}

fn conflict(lines: &[&str]) -> Option<Found> {
    let told = |at, what: &str| {
        Some(Found {
            kind: BuildErrorKind::Conflict,
            requirement: None,
            at,
            why: format!("{what} contradict each other"),
            mend: "loosen one of them",
        })
    };
    // pip: Cannot install x==1 and y==2 because these package versions have conflicting dependencies.
    // Older: Double requirement given: x==2 (already in x==1, name='x')
    let pip = last(lines, |line| {
        let newer = " because these package versions have conflicting";
        between(line, "Cannot install ", newer)
            .map(str::to_owned)
            .or_else(|| {
                let second = between(line, "Double requirement given: ", " (")?;
                let first = between(line, "already in ", ",")?.split(" (from").next()?;
                Some(format!("{first} and {second}"))
            })
    });
    if let Some((at, what)) = pip {
        return told(at, &what);
    }
    // uv: Because you require x==1 and x==2, we can conclude that your requirements are unsatisfiable.
    // uv: Because x==1 depends on y>=2 and you require x==1, we can conclude that your requirements and y==1 are ...
    let text = joined(lines);
    if let Some(both) = between(&text, "Because you require ", ", we can conclude") {
        return told(anchor(lines), both);
    }
    let (_, because) = text.rsplit_once("Because ")?;
    if because.contains(" depends on ")
        && because.contains("unsatisfiable")
        && !because.contains("current Python")
    {
        let what = between(because, "", ", we can conclude").unwrap_or(because);
        return told(anchor(lines), &format!("the requirements ({what})"));
    }
    None
}

fn missing(lines: &[&str]) -> Option<Found> {
    let mend =
        "correct its name or version, or add the index that has it to `indexes` of the target";
    let told = |at, name: String, why: String| {
        Some(Found {
            kind: BuildErrorKind::NotFound,
            at,
            requirement: Some(name),
            why,
            mend,
        })
    };
    // pip.
    let wanted = last(lines, |line| {
        let wanted = between(line, "No matching distribution found for ", "").or_else(|| {
            between(
                line,
                "Could not find a version that satisfies the requirement ",
                "",
            )
        })?;
        Some(wanted.split(" (from").next()?.to_owned())
    });
    if let Some((at, name)) = wanted {
        let versions = last(lines, |line| between(line, "(from versions: ", ")"));
        let why = match versions {
            Some((_, versions)) if versions != "none" => {
                format!("no index there has {name}, only {}", newest(versions))
            }
            _ => format!("no index there has {name} for this Python and platform"),
        };
        return told(at, name, why);
    }
    // uv.
    let text = joined(lines);
    let (_, because) = text.rsplit_once("Because ")?;
    let name = because
        .split_once(" was not found in the ")
        .map(|(name, _)| name)
        .or_else(|| between(because, "there is no version of ", " and"))
        .or_else(|| between(because, "there are no versions of ", " and"))?;
    let required = between(because, "you require ", ",").filter(|one| one.starts_with(name));
    let name = required.unwrap_or(name).to_owned();
    let why = format!("no index there has {name} for this Python and platform");
    told(anchor(lines), name, why)
}

/// The last few of a list of versions, which are the newest.
fn newest(versions: &str) -> String {
    let all: Vec<&str> = versions.split(", ").collect();
    match all.len().checked_sub(4) {
        Some(first) if first > 0 => format!("... {}", all[first..].join(", ")),
        _ => versions.to_owned(),
    }
}

/// So many lines and characters are shown.
const MOST_LINES: usize = 20;
const MOST_CHARACTERS: usize = 2_000;

/// The telling lines around one.
fn words(lines: &[&str], at: Option<usize>, kind: BuildErrorKind) -> String {
    let is_ours = |line: &&str| line.starts_with("hoist: ") || line.trim().is_empty();
    let is_telling = |line: &str| {
        let line = line.trim_start();
        ["ERROR:", "error:", "hint:", "×", "╰", "├", "│"]
            .iter()
            .any(|mark| line.starts_with(mark))
            || line.starts_with("Could not find")
            || line.starts_with("No matching")
    };
    let at = at.unwrap_or(lines.len());
    let mut told: Vec<&str> = match kind {
        BuildErrorKind::Source | BuildErrorKind::Other => {
            let end = lines.len().min(at + 4);
            let first = end.saturating_sub(MOST_LINES);
            lines[first..end]
                .iter()
                .copied()
                .filter(|line| !is_ours(line))
                .collect()
        }
        _ => {
            // All that uv says at its end belongs together.
            let (begin, is_uv) = (anchor(lines), joined(lines).contains("Because "));
            let near = lines.iter().enumerate();
            let near = near.filter(|(number, line)| {
                !is_ours(line) && (*number == at || is_telling(line) || (is_uv && *number > begin))
            });
            near.map(|(_, line)| *line).collect()
        }
    };
    told.dedup();
    let first = told.len().saturating_sub(MOST_LINES);
    let text: Vec<String> = told[first..]
        .iter()
        .map(|line| {
            line.chars()
                .filter(|c| !c.is_control() || *c == '\t')
                .collect()
        })
        .collect();
    let text = text.join("\n");
    match text.char_indices().rev().nth(MOST_CHARACTERS - 1) {
        Some((from, _)) => text[from..].to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests;
