//! Numbers as people say them.

/// A number of bytes.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "shown with two digits")]
    let mut size = bytes as f64 / 1000.0;
    let mut unit = 0;
    while size >= 999.5 && unit + 1 < UNITS.len() {
        size /= 1000.0;
        unit += 1;
    }
    let digits = usize::from(size < 9.95);
    format!("{size:.digits$} {}", UNITS[unit])
}

/// A length of time, two units at most.
pub(crate) fn duration(seconds: f64) -> String {
    if seconds < 9.95 {
        return format!("{seconds:.1} s");
    }
    // Rounded first, so that 59.7 s is not "60 s".
    let seconds = seconds.round() as u64;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match () {
        () if seconds < 60 => format!("{seconds} s"),
        () if hours == 0 => format!("{minutes} min {} s", seconds % 60),
        () if days == 0 => format!("{hours} h {} min", minutes % 60),
        () => format!("{days} d {} h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_said_as_people_say_them() {
        let said = [0, 999, 1000, 9_949, 14_210, 999_499, 999_500, 3_400_000_000].map(size);
        assert_eq!(
            said,
            [
                "0 B", "999 B", "1.0 kB", "9.9 kB", "14 kB", "999 kB", "1.0 MB", "3.4 GB"
            ]
        );
    }

    #[test]
    fn times_are_said_as_people_say_them() {
        let said: Vec<String> = [0.04, 1.0, 9.94, 9.96, 59.4, 59.7, 125.0, 7260.0, 200_000.0]
            .map(duration)
            .to_vec();
        assert_eq!(
            said,
            [
                "0.0 s",
                "1.0 s",
                "9.9 s",
                "10 s",
                "59 s",
                "1 min 0 s",
                "2 min 5 s",
                "2 h 1 min",
                "2 d 7 h"
            ]
        );
    }
}
