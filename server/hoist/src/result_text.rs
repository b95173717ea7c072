//! What a job gave, in words: for the terminal, and for the page that an editor shows.

use hoist_jobs::{JobView, Preview, WrittenFile, of_memory};

use crate::words::{duration, size};

/// What a previewed value is, in a line: `DataFrame (100, 5), RangeIndex`.
pub(crate) fn about(preview: &Preview) -> String {
    let kind = preview.type_name.rsplit('.').next().unwrap_or_default();
    let mut text = kind.to_owned();
    if let Some(name) = &preview.name {
        text.push_str(&format!(" {name}"));
    }
    if preview.kind == "array" || !preview.shape.is_empty() {
        let axes: Vec<String> = preview.shape.iter().map(u64::to_string).collect();
        // As Python writes a tuple of one.
        let comma = if axes.len() == 1 { "," } else { "" };
        text.push_str(&format!(" ({}{comma})", axes.join(", ")));
    }
    if let Some(dtype) = &preview.dtype {
        text.push_str(&format!(" {dtype}"));
    }
    for more in [&preview.index, &preview.figure].into_iter().flatten() {
        text.push_str(&format!(", {more}"));
    }
    if let Some(problem) = &preview.problem {
        text.push_str(&format!(" (it cannot be shown: {problem})"));
    }
    text
}

/// The head of a previewed value, each line after `indent`; a last line says that there is more.
pub(crate) fn head(preview: &Preview, indent: &str) -> String {
    let lines = preview.text.as_deref().unwrap_or_default().lines();
    let more = preview.cut.then_some("...");
    lines
        .chain(more)
        .map(|line| format!("{indent}{line}").trim_end().to_owned() + "\n")
        .collect()
}

/// The previews for the terminal, below the `repr`, which shows the value itself already.
pub(crate) fn previews(job: &JobView) -> String {
    let previews = job.result.iter().flat_map(|result| &result.previews);
    let shown = previews.map(|preview| match preview.at.as_str() {
        "" => format!("  {}\n", about(preview)),
        at => format!("  {at}: {}\n{}", about(preview), head(preview, "    ")),
    });
    shown.collect()
}

/// What a job used, in a line: `12 s, 11 s of processor time (0.9 of 4 cores), 1.2 of 8 GB, after 3.0 s in the queue`.
pub(crate) fn usage(job: &JobView) -> Option<String> {
    let wall = job.wall_seconds?;
    let mut words = vec![duration(wall)];
    if let Some(cpu) = job.cpu_seconds {
        let cores = cpu / wall.max(0.001);
        let of = match job.cores_asked {
            Some(asked) => format!(" ({cores:.1} of {asked} cores)"),
            None => format!(" ({cores:.1} cores)"),
        };
        words.push(format!("{} of processor time{of}", duration(cpu)));
    }
    words.extend(memory(job));
    if let Some(waited) = job.queue_seconds {
        words.push(format!("after {} in the queue", duration(waited)));
    }
    Some(words.join(", "))
}

/// How much memory it used, of how much it asked for.
pub(crate) fn memory(job: &JobView) -> Option<String> {
    Some(of_memory(job.peak_memory_bytes?, job.memory_asked_bytes))
}

/// A file with its size, and where it is.
fn file(file: &WrittenFile) -> String {
    let place = match &file.here {
        Some(here) => here.display().to_string(),
        None => "not fetched".to_owned(),
    };
    format!("{} ({}): {place}", file.path, size(file.size))
}

/// The page of a job's result.
pub(crate) fn page(job: &JobView, ending: &str) -> String {
    let call = match &job.args {
        Some(args) => format!("{}({args})", job.name),
        None => job.name.clone(),
    };
    let mut page = format!("{call} on {}: {ending}\n", job.target);
    if let Some(result) = &job.result {
        page.push_str(&format!("\n{}\n", result.repr));
        for preview in &result.previews {
            let at = match preview.at.as_str() {
                "" => String::new(),
                at => format!("{at}: "),
            };
            page.push_str(&format!("\n{at}{}\n", about(preview)));
            for column in &preview.columns {
                page.push_str(&format!("    {}: {}\n", column.name, column.dtype));
            }
            page.push_str(&head(preview, "    "));
        }
        match (&result.pickle, &result.pickle_problem) {
            (Some(pickle), _) => page.push_str(&format!("\nPickle\n    {}\n", file(pickle))),
            (None, Some(problem)) => {
                page.push_str(&format!("\nIt could not be pickled: {problem}\n"));
            }
            (None, None) => {}
        }
    }
    if let Some(error) = &job.error {
        let text = error.traceback.as_deref().unwrap_or(&error.message);
        page.push_str(&format!("\n{}\n", text.trim_end()));
    }
    for (title, files) in [("Figures", &job.figures), ("Files", &job.files)] {
        if !files.is_empty() {
            page.push_str(&format!("\n{title}\n"));
            for one in files {
                page.push_str(&format!("    {}\n", file(one)));
            }
        }
    }
    if let Some(usage) = usage(job) {
        page.push_str(&format!("\nUsed: {usage}\n"));
    }
    for advice in &job.advice {
        page.push_str(&format!("Advice: {advice}\n"));
    }
    for note in &job.notes {
        page.push_str(&format!("\nNote: {note}\n"));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_says_what_it_is_as_python_would() {
        let preview = |kind: &str, shape: &[u64]| Preview {
            kind: kind.to_owned(),
            type_name: "numpy.ndarray".to_owned(),
            shape: shape.to_vec(),
            dtype: Some("f8".to_owned()),
            ..Preview::default()
        };
        assert_eq!(about(&preview("array", &[])), "ndarray () f8");
        assert_eq!(about(&preview("array", &[3])), "ndarray (3,) f8");
        let cut = Preview {
            cut: true,
            text: Some("[1\n 2]".to_owned()),
            ..preview("array", &[2, 1])
        };
        assert_eq!(about(&cut), "ndarray (2, 1) f8");
        assert_eq!(head(&cut, "  "), "  [1\n   2]\n  ...\n");
    }
}
