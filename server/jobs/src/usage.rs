//! What a job used of what it asked for, and what to ask for next time.
//!
//! The figures are measured where it ran, on a machine that is not trusted: they are hints, kept within what can be.

use hoist_cluster::{Memory, Resources, TimeLimit};

use crate::{JobView, State};

/// No job runs for longer: a century.
const LONGEST: f64 = 3.2e9;
/// No machine has more memory.
const LARGEST: u64 = 1 << 60;
/// A shorter job says little of what it needs of processors and time, in seconds.
const TELLING: f64 = 5.0;
/// Less memory than this is not worth a word.
const SMALL: u64 = 1 << 30;
/// A shorter limit of time starts no sooner, in seconds.
const SHORT: u64 = 1800;

/// Seconds that can be.
pub(crate) fn seconds(said: Option<f64>) -> Option<f64> {
    said.filter(|seconds| seconds.is_finite() && (0.0..=LONGEST).contains(seconds))
}

/// Bytes that can be.
pub(crate) fn bytes(said: Option<u64>) -> Option<u64> {
    said.filter(|bytes| (1..=LARGEST).contains(bytes))
}

/// Notes in the view what was asked for, how long it waited, and what to ask for next time.
pub(crate) fn conclude(view: &mut JobView, asked: &Resources) {
    let is_whole = asked.nodes.is_none_or(|nodes| nodes <= 1);
    // Of a job on many nodes one is seen.
    view.cores_asked = asked
        .cores
        .filter(|_| is_whole)
        .map(|cores| cores.saturating_mul(asked.tasks.unwrap_or(1).max(1)));
    view.memory_asked_bytes = asked.memory.map(|memory| memory.0);
    view.queue_seconds = match (view.submitted, view.started) {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a wait")]
        (Some(submitted), Some(started)) => Some(started.saturating_sub(submitted) as f64 / 1000.0),
        _ => None,
    };
    view.advice = match view.state {
        State::Succeeded => advice(view, asked),
        _ => Vec::new(),
    };
}

fn advice(view: &JobView, asked: &Resources) -> Vec<String> {
    let lasted = view.wall_seconds.filter(|wall| *wall >= TELLING);
    let told = [
        memory(view.peak_memory_bytes, asked.memory),
        cores(lasted, view.cpu_seconds, view.cores_asked),
        time(lasted, asked.time),
    ];
    told.into_iter().flatten().collect()
}

/// With half as much again as it used, in round numbers, it asked for more than three times of that.
fn memory(used: Option<u64>, asked: Option<Memory>) -> Option<String> {
    let (used, asked) = (used?, asked?);
    let enough = used.saturating_add(used / 2);
    let step: u64 = if enough > SMALL { 1 << 30 } else { 256 << 20 };
    let enough = Memory(enough.div_ceil(step).max(1).saturating_mul(step));
    (asked.0 >= SMALL && enough.0.saturating_mul(3) <= asked.0).then(|| {
        format!(
            "it used {} of memory: ask for {enough} next time",
            of_memory(used, Some(asked.0))
        )
    })
}

fn cores(lasted: Option<f64>, cpu: Option<f64>, asked: Option<u32>) -> Option<String> {
    let (used, asked) = (cpu? / lasted?, asked?);
    // What is a little above a whole number is that of the threads that only watch.
    let enough = (used - 0.15).ceil().max(1.0);
    (asked >= 2 && enough * 2.0 <= f64::from(asked)).then(|| {
        format!(
            "it used {used:.1} of {asked} cores: ask for {enough:.0} next time, or have it use more"
        )
    })
}

fn time(lasted: Option<f64>, asked: Option<TimeLimit>) -> Option<String> {
    let (lasted, asked) = (lasted?, asked?);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most a century, and no less than nothing"
    )]
    let lasted = lasted.ceil() as u64;
    let enough = TimeLimit(lasted.saturating_mul(2).max(600).div_ceil(60) * 60);
    (asked.0 >= SHORT && enough.0.saturating_mul(4) <= asked.0).then(|| {
        format!("it ran for {lasted} s of {asked}: with a limit of {enough} it may start sooner")
    })
}

/// Memory as people read it beside what was asked for: `1.2 of 8 GB`, or `350 MB`. Units are those of schedulers, powers of 1024.
pub fn of_memory(used: u64, asked: Option<u64>) -> String {
    let unit_of = |bytes: u64| match bytes {
        0..0x10_0000 => (10, "kB"),
        0x10_0000..0x4000_0000 => (20, "MB"),
        0x4000_0000..0x100_0000_0000 => (30, "GB"),
        _ => (40, "TB"),
    };
    let (shift, unit) = unit_of(asked.unwrap_or(used));
    let number = |bytes: u64| {
        #[expect(clippy::cast_precision_loss, reason = "shown with two digits")]
        let number = bytes as f64 / (1u64 << shift) as f64;
        match number {
            9.95.. => format!("{number:.0}"),
            0.095.. => format!("{number:.1}").trim_end_matches(".0").to_owned(),
            _ => format!("{number:.2}"),
        }
    };
    match asked {
        Some(asked) => format!("{} of {} {unit}", number(used), number(asked)),
        None => format!("{} {unit}", number(used)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory_of(used: u64, asked: &str) -> Option<String> {
        memory(Some(used), asked.parse().ok())
    }

    #[test]
    fn memory_reads_as_it_is_asked_for() {
        let cases = [
            (1_288_490_188, Some(8 << 30), "1.2 of 8 GB"),
            (20 << 20, Some(8 << 30), "0.02 of 8 GB"),
            (12 << 30, Some(64 << 30), "12 of 64 GB"),
            (300 << 20, Some(1536 << 20), "0.3 of 1.5 GB"),
            (350 << 20, None, "350 MB"),
            (5000, None, "4.9 kB"),
        ];
        for (used, asked, words) in cases {
            assert_eq!(of_memory(used, asked), words);
        }
    }

    #[test]
    fn who_asks_for_much_too_much_is_told_what_is_enough() {
        let told = |text: &str| Some(text.to_owned());
        assert_eq!(
            memory_of(1_288_490_188, "64G"),
            told("it used 1.2 of 64 GB of memory: ask for 2G next time")
        );
        assert_eq!(
            memory_of(30 << 20, "8G"),
            told("it used 0.03 of 8 GB of memory: ask for 256M next time")
        );
        assert_eq!(memory_of(1_288_490_188, "5G"), None);
        assert_eq!(memory_of(1 << 20, "500M"), None);
        assert_eq!(memory_of(u64::MAX, "8G"), None);

        assert_eq!(
            cores(Some(10.0), Some(10.0), Some(16)),
            told("it used 1.0 of 16 cores: ask for 1 next time, or have it use more")
        );
        assert_eq!(
            cores(Some(100.0), Some(90.0), Some(2)),
            told("it used 0.9 of 2 cores: ask for 1 next time, or have it use more")
        );
        assert_eq!(cores(Some(10.0), Some(60.0), Some(8)), None);
        assert_eq!(cores(Some(10.0), Some(0.0), Some(1)), None);
        assert_eq!(cores(None, Some(1.0), Some(16)), None);

        let limit = |asked: &str| time(Some(12.3), asked.parse().ok());
        assert_eq!(
            limit("2h"),
            told("it ran for 13 s of 02:00:00: with a limit of 00:10:00 it may start sooner")
        );
        assert_eq!(limit("30m"), None);
    }

    #[test]
    fn figures_that_cannot_be_are_none() {
        for said in [f64::NAN, f64::INFINITY, -1.0, 1e300] {
            assert_eq!(seconds(Some(said)), None);
        }
        assert_eq!(seconds(Some(0.0)), Some(0.0));
        assert_eq!(bytes(Some(u64::MAX)), None);
        assert_eq!(bytes(Some(0)), None);
        assert_eq!(bytes(Some(1 << 40)), Some(1 << 40));
    }
}
