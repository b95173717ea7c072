//! No scheduler: the job is a plain process that outlives the connection.
//!
//! Its native id is `HOST:PID:START`: a process number is used again sooner or later, and a cluster's login name leads
//! to several machines.

use std::collections::HashMap;

use super::{Outcome, Scheduler, SchedulerState};
use crate::resources::Resources;
use crate::shell::quote;

pub(crate) struct Plain;

impl Scheduler for Plain {
    fn header(&self, _name: &str, _job: &str, _resources: &Resources) -> Vec<String> {
        Vec::new()
    }

    fn wants_login_shell(&self) -> bool {
        false
    }

    fn own_id(&self) -> &'static str {
        r#"printf '%s:%s:%s' "$(uname -n)" "$$" "$(hoist_start_of $$)""#
    }

    fn submit(&self) -> &'static str {
        // A session of its own, so that nothing that ends the connection ends the job, and a group to send signals to.
        r#"
if command -v setsid >/dev/null 2>&1; then
  (umask "$umask"; exec setsid $shell "$hoist_job/script.sh") </dev/null >>"$hoist_job/scheduler.log" 2>&1 &
else
  set -m
  (umask "$umask"; exec nohup $shell "$hoist_job/script.sh") </dev/null >>"$hoist_job/scheduler.log" 2>&1 &
  set +m
fi
pid=$!
start=$(hoist_start_of $pid)
if [ -n "$start" ]; then id="$(uname -n):$pid:$start"
else id=$(cat "$hoist_job/native_id" 2>/dev/null) || id="$(uname -n):$pid:0"; fi
"#
    }

    fn find(&self) -> &'static str {
        // The process writes its id itself; without one it never began.
        "id=\n"
    }

    fn query(&self, ids: &[&str]) -> String {
        let mut script = String::from(
            r#"here=$(uname -n)
check() {
  if [ "$2" != "$here" ]; then echo "$1 elsewhere"
  elif [ -n "$4" ] && [ "$(hoist_start_of "$3")" = "$4" ]; then echo "$1 running"
  else echo "$1 gone"; fi
}
"#,
        );
        for id in ids {
            let mut parts = id.splitn(3, ':').map(quote);
            let mut next = || parts.next().unwrap_or_else(|| "''".to_owned());
            script.push_str(&format!(
                "check {} {} {} {}\n",
                quote(id),
                next(),
                next(),
                next()
            ));
        }
        script
    }

    fn read(&self, printed: &str) -> HashMap<String, SchedulerState> {
        let state = |word: &str| {
            match word {
            "running" => SchedulerState::Running,
            "gone" => SchedulerState::Ended {
                outcome: Outcome::Vanished,
                words: "the process is gone and left no exit marker: it was killed, or the machine was restarted"
                    .to_owned(),
            },
            _ => SchedulerState::Unknown,
        }
        };
        printed
            .lines()
            .filter_map(|line| {
                line.rsplit_once(' ')
                    .map(|(id, word)| (id.to_owned(), state(word)))
            })
            .collect()
    }

    fn cancel(&self) -> &'static str {
        // The process is asked to end; one that does not is killed ten seconds later by a helper that checks again that
        // the number still means the same process.
        r#"
host=${id%%:*}; rest=${id#*:}; pid=${rest%%:*}; start=${rest#*:}
if [ "$host" != "$(uname -n)" ]; then
  fail scheduler "the job runs on $host, but the connection leads to $(uname -n)"
fi
if [ -n "$start" ] && [ "$(hoist_start_of "$pid")" = "$start" ]; then
  kill -TERM "-$pid" 2>/dev/null || kill -TERM "$pid" 2>/dev/null
  ( trap '' HUP
    n=0
    while [ $n -lt 100 ] && [ "$(hoist_start_of "$pid")" = "$start" ]; do sleep 0.1 || sleep 1; n=$((n+1)); done
    if [ "$(hoist_start_of "$pid")" = "$start" ]; then kill -KILL "-$pid"; fi
  ) </dev/null >/dev/null 2>&1 &
fi
"#
    }

    fn version(&self) -> Option<&'static str> {
        None
    }
}
