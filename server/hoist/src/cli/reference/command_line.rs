//! The commands with their arguments and options, as clap has them.

use clap::builder::{PossibleValue, StyledStr};
use clap::{Arg, Command, CommandFactory};

use super::markdown::{code, prose, table};
use crate::cli::{Cli, STATUSES};

/// All commands that do something, with their whole names, in the order of the help.
fn leaves() -> Vec<Command> {
    fn add(command: &Command, found: &mut Vec<Command>) {
        let is_group = command.is_subcommand_required_set();
        if command.is_hide_set() {
            return;
        }
        if !is_group {
            found.push(command.clone());
        }
        for inner in command.get_subcommands() {
            add(inner, found);
        }
    }
    let mut all = Cli::command();
    all.build();
    let mut found = Vec::new();
    for command in all.get_subcommands() {
        add(command, &mut found);
    }
    found
}

fn full_name(command: &Command) -> &str {
    command.get_bin_name().unwrap_or_else(|| command.get_name())
}

/// What a command or an argument is for.
fn said(long: Option<&StyledStr>, short: Option<&StyledStr>) -> String {
    let text = long.or(short).map(ToString::to_string);
    sentence(&prose(&text.unwrap_or_default()))
}

/// Each command in a line, with a link to its options.
pub(super) fn commands() -> String {
    let row = |command: &Command| {
        let name = full_name(command);
        let anchor = name.replace(' ', "-");
        let link = format!("[`{name}`](reference/command-line.md#{anchor})");
        vec![link, said(command.get_long_about(), command.get_about())]
    };
    let rows: Vec<_> = leaves().iter().map(row).collect();
    table(&["command", "what it does"], &rows)
}

/// Each command with all that can be given to it.
pub(super) fn options() -> String {
    let mut page = String::new();
    for mut command in leaves() {
        let about = said(command.get_long_about(), command.get_about());
        let usage = command.render_usage().to_string();
        let usage = usage
            .trim_start_matches("Usage: ")
            .replace("\n       ", "\n");
        page += &format!(
            "## {}\n\n{about}\n\n```text\n{usage}\n```\n\n",
            full_name(&command)
        );
        let shown = |arg: &&Arg| {
            !arg.is_hide_set() && !["help", "version"].contains(&arg.get_id().as_str())
        };
        let (positional, options): (Vec<&Arg>, Vec<&Arg>) = command
            .get_arguments()
            .filter(shown)
            .partition(|arg| arg.is_positional());
        let (of_the_scheduler, own): (Vec<&Arg>, Vec<&Arg>) = options
            .into_iter()
            .partition(|arg| arg.get_help_heading().is_some());
        for (title, args) in [
            ("argument", positional),
            ("option", own),
            ("resource", of_the_scheduler),
        ] {
            if !args.is_empty() {
                let rows: Vec<_> = args.iter().map(|arg| row(arg)).collect();
                page += &table(&[title, "what it is", "values"], &rows);
                page += "\n";
            }
        }
    }
    page
}

fn row(arg: &Arg) -> Vec<String> {
    let takes_value = arg.get_action().takes_values();
    let names: Vec<String> = arg
        .get_value_names()
        .into_iter()
        .flatten()
        .map(ToString::to_string)
        .collect();
    let value = if takes_value {
        names.join(" ")
    } else {
        String::new()
    };
    let is_repeated = matches!(arg.get_action(), clap::ArgAction::Append);
    let dots = if is_repeated { "..." } else { "" };
    let name = match (arg.get_short(), arg.get_long()) {
        (Some(short), Some(long)) => code(format!("-{short}, --{long} {value}").trim_end()),
        (_, Some(long)) => code(&(format!("--{long} {value}").trim_end().to_owned() + dots)),
        _ => code(&(value.clone() + dots)),
    };
    let mut values = Vec::new();
    if arg.is_positional() && arg.is_required_set() {
        values.push("Required.".to_owned());
    }
    let possible = match takes_value {
        true => arg.get_possible_values(),
        false => Vec::new(),
    };
    if !possible.is_empty() {
        let listed: Vec<String> = possible
            .iter()
            .filter(|value| !value.is_hide_set())
            .map(possible_value)
            .collect();
        values.extend(listed);
    }
    let defaults = arg.get_default_values().iter().filter(|_| takes_value);
    let defaults: Vec<String> = defaults
        .map(|value| code(&value.to_string_lossy()))
        .collect();
    if !defaults.is_empty() {
        values.push(format!("Without it: {}.", defaults.join(" ")));
    }
    vec![
        name,
        said(arg.get_long_help(), arg.get_help()),
        values.join("<br>"),
    ]
}

fn possible_value(value: &PossibleValue) -> String {
    let name = code(value.get_name());
    match value.get_help() {
        Some(help) => format!("{name}: {}", sentence(&prose(&help.to_string()))),
        None => name,
    }
}

/// clap takes the full stop away from comments that are one paragraph.
fn sentence(text: &str) -> String {
    match text.ends_with(['.', '!', '?']) || text.is_empty() {
        true => text.to_owned(),
        false => format!("{text}."),
    }
}

/// The exit statuses of commands that run something.
pub(super) fn statuses() -> String {
    let rows: Vec<_> = STATUSES
        .iter()
        .map(|(status, meaning)| vec![status.to_string(), prose(meaning)])
        .collect();
    table(&["status", "meaning"], &rows)
}
