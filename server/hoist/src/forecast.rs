//! When a job would start, in words.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Local};
use hoist_jobs::Forecast;

/// A start so soon is told as such: the scheduler looks at its queue once in a while.
const SOON: Duration = Duration::from_secs(60);

/// One sentence without its end, as in `would start about 14:20 (in 3 h) on discovery`.
pub(crate) fn words(forecast: &Forecast, target: &str) -> String {
    match forecast {
        Forecast::Starts(at) => starts(*at, SystemTime::now(), target),
        Forecast::Refused(why) => format!("would not run: {why}"),
    }
}

fn starts(at: SystemTime, now: SystemTime, target: &str) -> String {
    let wait = at.duration_since(now).unwrap_or_default();
    if wait < SOON {
        return format!("would start at once on {target}");
    }
    let (at, now) = (DateTime::<Local>::from(at), DateTime::<Local>::from(now));
    let time = if at.date_naive() == now.date_naive() {
        at.format("%H:%M")
    } else {
        at.format("%a %-d %b, %H:%M")
    };
    format!("would start about {time} (in {}) on {target}", span(wait))
}

/// A time as people say it, rounded: `12 min`, `3 h`, `5 d`.
fn span(wait: Duration) -> String {
    let minutes = wait.as_secs().div_ceil(60);
    match minutes {
        0..120 => format!("{minutes} min"),
        120..2_880 => format!("{} h", (minutes + 30) / 60),
        _ => format!("{} d", (minutes + 720) / 1_440),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_told_as_people_tell_it() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let said = |wait| starts(now + Duration::from_secs(wait), now, "discovery");
        assert_eq!(said(0), "would start at once on discovery");
        assert_eq!(
            starts(now - Duration::from_secs(9), now, "d"),
            "would start at once on d"
        );
        assert!(
            said(600).ends_with(" (in 10 min) on discovery"),
            "{}",
            said(600)
        );
        assert!(said(3 * 3_600).ends_with(" (in 3 h) on discovery"));
        // On another day the day is told too, wherever this runs.
        let days = said(5 * 86_400);
        assert!(
            days.ends_with(" (in 5 d) on discovery") && days.contains(", "),
            "{days}"
        );
        let refused = words(
            &Forecast::Refused("no such partition".to_owned()),
            "discovery",
        );
        assert_eq!(refused, "would not run: no such partition");
    }
}
