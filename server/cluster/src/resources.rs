//! What a job asks of the scheduler, in one vocabulary: "16G", "16 GiB", "2h", "02:00:00", "1-12".

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A value that cannot be used; the text is a sentence with the value and what is expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ResourceError(pub String);

/// An amount of memory in bytes. Units are powers of 1024, with or without the `i`: schedulers read them so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "String")]
pub struct Memory(pub u64);

/// A limit of time in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "String")]
pub struct TimeLimit(pub u64);

impl JsonSchema for Memory {
    fn schema_name() -> Cow<'static, str> {
        "Memory".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*([bB]|[bB]ytes|[kKmMgGtT]([iI]?[bB])?)\s*$",
            "examples": ["8G", "500M", "1.5T"],
        })
    }
}

impl JsonSchema for TimeLimit {
    fn schema_name() -> Cow<'static, str> {
        "TimeLimit".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": r"[0-9]\s*[a-zA-Z]|[0-9][:-][0-9]",
            "examples": ["90m", "2h", "1-12", "02:00:00"],
        })
    }
}

/// What may stand in a configuration file: text is understood, a bare number is refused with a reason.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    Integer(i64),
    Float(f64),
}

impl Written {
    fn text(self) -> String {
        match self {
            Written::Text(text) => text,
            Written::Integer(number) => number.to_string(),
            Written::Float(number) => number.to_string(),
        }
    }
}

impl TryFrom<Written> for Memory {
    type Error = ResourceError;
    fn try_from(written: Written) -> Result<Self, ResourceError> {
        written.text().parse()
    }
}

impl TryFrom<Written> for TimeLimit {
    type Error = ResourceError;
    fn try_from(written: Written) -> Result<Self, ResourceError> {
        written.text().parse()
    }
}

impl From<Memory> for String {
    fn from(memory: Memory) -> Self {
        memory.to_string()
    }
}

impl From<TimeLimit> for String {
    fn from(time: TimeLimit) -> Self {
        time.to_string()
    }
}

impl FromStr for Memory {
    type Err = ResourceError;
    fn from_str(text: &str) -> Result<Self, ResourceError> {
        let refuse = |why: &str| {
            Err(ResourceError(format!(
                "memory {text:?} cannot be used: {why}, write it as \"16G\" or \"500M\""
            )))
        };
        let trimmed = text.trim();
        let split = trimmed
            .find(|c: char| !(c.is_ascii_digit() || c == '.'))
            .unwrap_or(trimmed.len());
        let (number, unit) = trimmed.split_at(split);
        let unit = unit.trim().to_ascii_lowercase();
        let shift = match unit.as_str() {
            "" => return refuse("it has no unit"),
            "b" | "bytes" => 0,
            "k" | "kb" | "kib" => 10,
            "m" | "mb" | "mib" => 20,
            "g" | "gb" | "gib" => 30,
            "t" | "tb" | "tib" => 40,
            _ => return refuse("its unit is none of K, M, G, T"),
        };
        let Ok(number) = number.parse::<f64>() else {
            return refuse("it does not begin with a number");
        };
        let bytes = number * f64::from(2.0_f32).powi(shift);
        if !(1.0..=1e18).contains(&bytes) {
            return refuse("the amount is out of range");
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked just above"
        )]
        Ok(Self(bytes.round() as u64))
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (shift, unit) in [(40, "T"), (30, "G"), (20, "M"), (10, "K")] {
            if self.0 >= 1 << shift && self.0.trailing_zeros() >= shift {
                return write!(f, "{}{unit}", self.0 >> shift);
            }
        }
        write!(f, "{}B", self.0)
    }
}

impl FromStr for TimeLimit {
    type Err = ResourceError;
    fn from_str(text: &str) -> Result<Self, ResourceError> {
        let refuse = |why: &str| {
            Err(ResourceError(format!(
                "time {text:?} cannot be used: {why}, write it as \"2h\", \"90m\", \"02:00:00\" or \"1-12\" (days-hours)"
            )))
        };
        let trimmed = text.trim().to_ascii_lowercase();
        let seconds = if trimmed.is_empty() {
            None
        } else if trimmed.contains([':', '-']) {
            clock(&trimmed)
        } else if trimmed.bytes().all(|b| b.is_ascii_digit()) {
            return refuse(
                "a number without a unit is minutes to one scheduler and seconds to another",
            );
        } else {
            units(&trimmed)
        };
        match seconds {
            None => refuse("it is not a time"),
            Some(0) => refuse("it is no time at all"),
            Some(seconds) if seconds > 10 * 366 * 86_400 => refuse("it is more than ten years"),
            Some(seconds) => Ok(Self(seconds)),
        }
    }
}

/// "MM:SS", "HH:MM:SS", "D-HH", "D-HH:MM", "D-HH:MM:SS", as sbatch(1) and qsub(1) read them.
fn clock(text: &str) -> Option<u64> {
    let number = |part: &str| -> Option<u64> {
        if part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
            None
        } else {
            part.parse().ok()
        }
    };
    let (days, rest) = match text.split_once('-') {
        Some((days, rest)) => (Some(number(days)?), rest),
        None => (None, text),
    };
    let parts = rest.split(':').map(number).collect::<Option<Vec<u64>>>()?;
    let (hours, minutes, seconds) = match (days.is_some(), parts.as_slice()) {
        (true, [h]) => (*h, 0, 0),
        (true, [h, m]) => (*h, *m, 0),
        (false, [m, s]) => (0, *m, *s),
        (_, [h, m, s]) => (*h, *m, *s),
        _ => return None,
    };
    days.unwrap_or(0)
        .checked_mul(86_400)?
        .checked_add(hours.checked_mul(3_600)?)?
        .checked_add(minutes.checked_mul(60)?)?
        .checked_add(seconds)
}

/// "2h", "1d12h", "1h 30m", "1.5h", "90 minutes".
fn units(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    let mut total = 0.0_f64;
    while !rest.is_empty() {
        let split = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let number: f64 = rest[..split].parse().ok()?;
        let tail = rest[split..].trim_start();
        let end = tail
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(tail.len());
        let factor = match &tail[..end] {
            "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
            "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
            "h" | "hr" | "hrs" | "hour" | "hours" => 3_600.0,
            "d" | "day" | "days" => 86_400.0,
            _ => return None,
        };
        total += number * factor;
        rest = tail[end..].trim_start();
    }
    if !(0.0..=1e12).contains(&total) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked just above"
    )]
    Some(total.ceil() as u64)
}

impl fmt::Display for TimeLimit {
    /// `[D-]HH:MM:SS`, which every scheduler reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, rest) = (self.0 / 86_400, self.0 % 86_400);
        if days > 0 {
            write!(f, "{days}-")?;
        }
        write!(
            f,
            "{:02}:{:02}:{:02}",
            rest / 3_600,
            rest / 60 % 60,
            rest % 60
        )
    }
}

/// What a job asks for. Everything is optional: what is not set, the scheduler's defaults decide.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(transform = other_names)]
pub struct Resources {
    /// Cores for each task.
    #[schemars(range(min = 1))]
    pub cores: Option<u32>,
    /// Memory for each node: `"16G"`, `"16GB"`, `"16 GiB"`.
    pub memory: Option<Memory>,
    /// Limit of time: `"90m"`, `"2h"`, `"02:00:00"`, `"1-12"` (days and hours).
    pub time: Option<TimeLimit>,
    /// How long before `time` is over the job is warned, with SIGUSR1, so that it can put down where it is: `"60s"`.
    #[schemars(extend("examples" = ["60s", "10m"]))]
    pub warning: Option<TimeLimit>,
    /// How many times a job is run once more that its target lost: a node failed, it had to make room. Never what the function
    /// itself raises.
    #[schemars(range(max = 100))]
    pub retries: Option<u32>,
    /// GPUs for each node.
    pub gpus: Option<u32>,
    /// Number of nodes.
    #[schemars(range(min = 1))]
    pub nodes: Option<u32>,
    /// Number of tasks.
    #[schemars(range(min = 1))]
    pub tasks: Option<u32>,
    /// The partition or queue.
    #[serde(alias = "queue")]
    pub partition: Option<String>,
    /// The account or project that pays.
    pub account: Option<String>,
    /// Further options in the scheduler's own words, each as one would write it after `#SBATCH` or its like: `["--qos=short"]`.
    pub extra: Vec<String>,
}

/// `queue` is read as `partition`.
fn other_names(schema: &mut Schema) {
    let properties = schema
        .get_mut("properties")
        .and_then(|value| value.as_object_mut());
    if let Some(properties) = properties
        && let Some(mut partition) = properties.get("partition").cloned()
    {
        partition["description"] = "The same as `partition`.".into();
        properties.insert("queue".to_owned(), partition);
    }
}

impl Resources {
    /// Sets one resource from its text, as a `# hoist:` comment or a `--resource` option gives it.
    ///
    /// # Errors
    /// A sentence when the name is unknown or the value cannot be used.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), ResourceError> {
        let count = |what: &str| {
            value.trim().parse::<u32>().map_err(|_| {
                ResourceError(format!(
                    "{what} {value:?} cannot be used: it is not a whole number, write it as \"4\""
                ))
            })
        };
        match key {
            "cores" => self.cores = Some(count(key)?),
            "gpus" => self.gpus = Some(count(key)?),
            "nodes" => self.nodes = Some(count(key)?),
            "tasks" => self.tasks = Some(count(key)?),
            "memory" => self.memory = Some(value.parse()?),
            "time" => self.time = Some(value.parse()?),
            "warning" => self.warning = Some(value.parse()?),
            "retries" => self.retries = Some(count(key)?),
            "partition" | "queue" => self.partition = Some(value.trim().to_owned()),
            "account" => self.account = Some(value.trim().to_owned()),
            "extra" => self.extra.push(value.to_owned()),
            _ => {
                return Err(ResourceError(format!(
                    "there is no resource {key:?}: there are cores, memory, time, warning, retries, gpus, nodes, tasks, partition, account, extra"
                )));
            }
        }
        self.check()
    }

    /// These resources where they are set, `below` where they are not; `extra` lines of both, `below` first.
    #[must_use]
    pub fn over(&self, below: &Resources) -> Resources {
        Resources {
            cores: self.cores.or(below.cores),
            memory: self.memory.or(below.memory),
            time: self.time.or(below.time),
            warning: self.warning.or(below.warning),
            retries: self.retries.or(below.retries),
            gpus: self.gpus.or(below.gpus),
            nodes: self.nodes.or(below.nodes),
            tasks: self.tasks.or(below.tasks),
            partition: self.partition.clone().or_else(|| below.partition.clone()),
            account: self.account.clone().or_else(|| below.account.clone()),
            extra: below
                .extra
                .iter()
                .chain(self.extra.iter().filter(|line| !below.extra.contains(line)))
                .cloned()
                .collect(),
        }
    }

    /// Whether what all in all is asked for goes together.
    ///
    /// # Errors
    /// As of [`Resources::check`]; and what makes no sense without something else.
    pub fn check_together(&self) -> Result<(), ResourceError> {
        match (self.warning, self.time) {
            (Some(warning), None) => Err(ResourceError(format!(
                "warning {warning} cannot be used: it is counted from the end of `time`, which is not set; set it too"
            ))),
            _ => self.check(),
        }
    }

    /// Whether every value can be put into a job script.
    ///
    /// # Errors
    /// A sentence that names the first value that cannot.
    pub fn check(&self) -> Result<(), ResourceError> {
        for (name, count) in [
            ("cores", self.cores),
            ("nodes", self.nodes),
            ("tasks", self.tasks),
        ] {
            if count == Some(0) {
                return Err(ResourceError(format!(
                    "{name} 0 cannot be used: a job needs at least one"
                )));
            }
        }
        if let (Some(warning), Some(time)) = (self.warning, self.time)
            && warning >= time
        {
            return Err(ResourceError(format!(
                "warning {warning} cannot be used: it is not before the end of time {time}"
            )));
        }
        if let Some(retries) = self.retries.filter(|retries| *retries > 100) {
            return Err(ResourceError(format!(
                "retries {retries} cannot be used: it is more than 100"
            )));
        }
        for (name, word) in [("partition", &self.partition), ("account", &self.account)] {
            if let Some(word) = word
                && (word.is_empty()
                    || word.contains(|c: char| {
                        c.is_whitespace() || c.is_control() || "\"'\\`$".contains(c)
                    }))
            {
                return Err(ResourceError(format!(
                    "{name} {word:?} cannot be used: it must be one word without quotes"
                )));
            }
        }
        for line in &self.extra {
            if line.trim().is_empty()
                || line.contains(|c: char| c.is_control())
                || !line.trim_start().starts_with('-')
            {
                return Err(ResourceError(format!(
                    "extra {line:?} cannot be used: it must be one option of the scheduler, as in \"--qos=short\""
                )));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_as_people_write_them() {
        for (text, bytes) in [
            ("16G", 16 << 30),
            ("16GB", 16 << 30),
            ("16 GiB", 16 << 30),
            ("16gb", 16 << 30),
            ("500M", 500 << 20),
            ("1.5T", 3 << 39),
            ("64 K", 64 << 10),
            ("100B", 100),
        ] {
            assert_eq!(text.parse::<Memory>().map(|m| m.0), Ok(bytes), "{text}");
        }
        for text in ["", "G", "16", "16X", "-1G", "1e3G", "0G", "16G B", "nan"] {
            assert!(text.parse::<Memory>().is_err(), "{text}");
        }
        assert_eq!(
            "16".parse::<Memory>().unwrap_err().to_string(),
            "memory \"16\" cannot be used: it has no unit, write it as \"16G\" or \"500M\""
        );
    }

    #[test]
    fn times_as_people_write_them() {
        for (text, seconds) in [
            ("2h", 7_200),
            ("90m", 5_400),
            ("90 minutes", 5_400),
            ("1d12h", 129_600),
            ("1h 30m", 5_400),
            ("1.5h", 5_400),
            ("30s", 30),
            ("02:00:00", 7_200),
            ("30:00", 1_800),
            ("1-12", 129_600),
            ("1-12:30", 131_400),
            ("1-00:00:05", 86_405),
        ] {
            assert_eq!(
                text.parse::<TimeLimit>().map(|t| t.0),
                Ok(seconds),
                "{text}"
            );
        }
        for text in [
            "",
            "60",
            "h",
            "2x",
            "1:2:3:4",
            "-1h",
            "0h",
            "1-",
            "99999999d",
            "1:-2",
            "a:b",
        ] {
            assert!(text.parse::<TimeLimit>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(bytes in 1_u64..1 << 50, seconds in 1_u64..300_000_000) {
            prop_assert_eq!(Memory(bytes).to_string().parse(), Ok(Memory(bytes)));
            prop_assert_eq!(TimeLimit(seconds).to_string().parse(), Ok(TimeLimit(seconds)));
        }

        #[test]
        fn no_text_is_too_strange(text in ".{0,30}") {
            let _ = text.parse::<Memory>();
            let _ = text.parse::<TimeLimit>();
        }
    }

    #[test]
    fn the_job_comes_before_its_target_and_extra_lines_add_up_once() {
        let target: Resources = serde_json::from_str(
            r#"{"cores": 4, "memory": "8G", "queue": "long", "extra": ["--qos=a"]}"#,
        )
        .unwrap();
        let mut job = Resources::default();
        job.set("cores", "2").unwrap();
        job.set("extra", "--exclusive").unwrap();
        let both = job.over(&target);
        assert_eq!(
            (both.cores, both.memory, both.partition.as_deref()),
            (Some(2), Some(Memory(8 << 30)), Some("long"))
        );
        assert_eq!(both.extra, ["--qos=a", "--exclusive"]);
        assert_eq!(both.over(&target), both);
        for (key, value) in [
            ("cores", "0"),
            ("cores", "many"),
            ("partition", "a b"),
            ("extra", "qos\n#SBATCH --x"),
            ("nodez", "1"),
        ] {
            assert!(
                Resources::default().set(key, value).is_err(),
                "{key} {value:?}"
            );
        }
    }
}
