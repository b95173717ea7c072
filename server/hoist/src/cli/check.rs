//! `hoist check`: the editor's findings in a terminal.

use std::collections::BTreeSet;
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};

use hoist_analysis::{Code, Edit, Finding, Fix, Settings, Severity, findings_with};
use hoist_syntax::LineIndex;
use serde::Serialize;

use super::collect::{Found, collect, is_there};
use super::parallel::in_order;
use super::snippet::snippet;
use super::source::{Around, Source};
use super::{CheckArgs, Done, Failure, Format, REFUSED, print};

pub(super) fn check(args: &CheckArgs) -> Done {
    let around = Around::new(args.python.clone());
    args.paths.iter().try_for_each(|path| is_there(path))?;
    let find = |found: &mut Found| {
        let mut paths = args.paths.iter();
        let _ = paths.try_for_each(|path| collect(path, &around.files, found));
    };
    let mut files = 0;
    let mut counts = Counts::default();
    let mut unreadable = false;
    let mut told: BTreeSet<PathBuf> = BTreeSet::new();
    let look = |file: Result<PathBuf, Failure>| match file {
        Ok(file) => (1, look_at(&file, &around, args.format)),
        Err(folder) => (0, Err(folder)),
    };
    let out = std::io::BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
    let out = std::cell::RefCell::new(out);
    in_order(find, look, |(count, looked)| {
        files += count;
        match looked {
            Ok(Looked {
                printed,
                found,
                misconfigured,
            }) => {
                if let Some((workspace, why)) = misconfigured
                    && told.insert(workspace)
                {
                    out.borrow_mut().flush()?;
                    unreadable = true;
                    print::error(&why);
                }
                out.borrow_mut().write_all(printed.as_bytes())?;
                counts.add(&found);
            }
            Err(failure) => {
                // In the order of the files, as far as two streams have one.
                out.borrow_mut().flush()?;
                unreadable = true;
                print::error(&failure.message);
            }
        }
        Ok::<(), Failure>(())
    })?;
    out.borrow_mut().flush()?;
    if args.format == Format::Text {
        print::say(&counts.summary(files));
    }
    Ok(match (unreadable, counts.errors) {
        (true, _) => REFUSED,
        (false, 0) => 0,
        (false, _) => 1,
    })
}

/// What there is to print about one file.
struct Looked {
    printed: String,
    found: Counts,
    /// Why the configuration of the file's workspace cannot be read, with that workspace.
    misconfigured: Option<(PathBuf, String)>,
}

fn look_at(file: &Path, around: &Around, format: Format) -> Result<Looked, Failure> {
    let source = Source::read(file, around)?;
    let found = found(&source, around);
    let mut printed = String::new();
    for finding in &found {
        match format {
            Format::Text => printed.push_str(&text(&source, finding)),
            Format::Json => printed.push_str(&print::to_json(&line(&source, finding))?),
        }
        printed.push('\n');
    }
    Ok(Looked {
        printed,
        found: Counts::of(&found),
        misconfigured: misconfigured(&source),
    })
}

/// What there is to say about a file, be it Python or of the configuration.
fn found(source: &Source, around: &Around) -> Vec<Finding> {
    if hoist_jobs::is_config(&source.path) {
        let problems = hoist_jobs::diagnose(&source.path, source.document.text());
        let finding = |problem: hoist_jobs::Problem| Finding {
            code: problem.code,
            severity: problem.severity,
            message: problem.message,
            range: problem.range,
            entry: None,
            fixes: Vec::new(),
        };
        return problems.into_iter().map(finding).collect();
    }
    let mut settings = match &*source.configuration {
        Ok((config, shared)) => Settings {
            ignore: config.ignored(&source.path, &source.workspace),
            ..shared.clone()
        },
        Err(_) => Settings::default(),
    };
    // How a method runs helps where one is started; a tree has thousands of them, and nothing is wrong with any.
    settings.ignore.insert(Code::InstanceMethod);
    findings_with(&source.module(), &around.files, &settings)
}

/// Why the configuration that says what is ignored cannot be read. Of the file that is checked itself it is a finding.
fn misconfigured(source: &Source) -> Option<(PathBuf, String)> {
    let error = source.configuration.as_ref().as_ref().err()?;
    let is_other = !hoist_jobs::is_config(&source.path);
    is_other.then(|| (source.workspace.clone(), error.to_string()))
}

#[derive(Default)]
struct Counts {
    errors: usize,
    warnings: usize,
    others: usize,
}

impl Counts {
    fn of(found: &[Finding]) -> Self {
        let mut counts = Self::default();
        for finding in found {
            match finding.severity {
                Severity::Error => counts.errors += 1,
                Severity::Warning => counts.warnings += 1,
                Severity::Information | Severity::Hint => counts.others += 1,
            }
        }
        counts
    }

    fn add(&mut self, other: &Self) {
        self.errors += other.errors;
        self.warnings += other.warnings;
        self.others += other.others;
    }

    fn summary(&self, files: usize) -> String {
        let many = |count: usize, what: &str| match count {
            1 => format!("1 {what}"),
            _ => format!("{count} {what}s"),
        };
        format!(
            "{} checked: {}, {}, {}",
            many(files, "file"),
            many(self.errors, "error"),
            many(self.warnings, "warning"),
            many(self.others, "other finding")
        )
    }
}

fn text(source: &Source, finding: &Finding) -> String {
    let document = &source.document;
    let place = place(document.text(), document.lines(), &finding.range);
    let mut out = format!(
        "{}:{}:{}: {}[{}]: {}\n{}",
        source.named.display(),
        place.line,
        place.column,
        word(finding.severity),
        finding.code,
        finding.message,
        snippet(document, &finding.range)
    );
    for fix in &finding.fixes {
        out.push_str("\n  = in the editor: ");
        out.push_str(&fix.title);
    }
    out
}

/// What a person reads of a severity.
pub(super) fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Information => "information",
        Severity::Hint => "hint",
    }
}

/// Lines and columns from 1; columns count characters. The end is behind the last one.
#[derive(Serialize)]
struct Place {
    line: u32,
    column: usize,
    end_line: u32,
    end_column: usize,
}

fn place(text: &str, lines: &LineIndex, range: &Range<usize>) -> Place {
    let at = |offset: usize| {
        let offset = offset.min(text.len());
        let line = lines.line_of(offset);
        let before = text.get(lines.line_start(line)..offset).unwrap_or_default();
        (line + 1, before.chars().count() + 1)
    };
    let (line, column) = at(range.start);
    let (end_line, end_column) = at(range.end);
    Place {
        line,
        column,
        end_line,
        end_column,
    }
}

/// A finding as a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    file: &'a Path,
    #[serde(flatten)]
    place: Place,
    code: String,
    slug: &'static str,
    severity: Severity,
    message: &'a str,
    entry: Option<String>,
    fixes: Vec<Mending<'a>>,
}

/// A fix: its edits all count in the texts as they are before any of them.
#[derive(Serialize)]
struct Mending<'a> {
    title: &'a str,
    edits: Vec<Replacement<'a>>,
}

#[derive(Serialize)]
struct Replacement<'a> {
    file: &'a Path,
    #[serde(flatten)]
    place: Place,
    text: &'a str,
}

fn line<'a>(source: &'a Source, finding: &'a Finding) -> Line<'a> {
    let document = &source.document;
    Line {
        file: &source.named,
        place: place(document.text(), document.lines(), &finding.range),
        code: finding.code.to_string(),
        slug: finding.code.slug(),
        severity: finding.severity,
        message: &finding.message,
        entry: finding.entry.as_ref().map(ToString::to_string),
        fixes: finding
            .fixes
            .iter()
            .map(|fix| mending(source, fix))
            .collect(),
    }
}

fn mending<'a>(source: &'a Source, fix: &'a Fix) -> Mending<'a> {
    let document = &source.document;
    let mut edits = replacements(&source.named, document.text(), document.lines(), &fix.edits);
    for change in &fix.elsewhere {
        let before = change.before.as_deref().unwrap_or_default();
        let lines = LineIndex::new(before);
        edits.extend(replacements(&change.path, before, &lines, &change.edits));
    }
    Mending {
        title: &fix.title,
        edits,
    }
}

fn replacements<'a>(
    file: &'a Path,
    text: &str,
    lines: &LineIndex,
    edits: &'a [Edit],
) -> Vec<Replacement<'a>> {
    let replacement = |edit: &'a Edit| Replacement {
        file,
        place: place(text, lines, &edit.range),
        text: &edit.text,
    };
    edits.iter().map(replacement).collect()
}
