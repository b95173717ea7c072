//! No scheduler: the job is a plain process that outlives the connection.
//!
//! Its native id is `HOST:PID:START`: a process number is used again sooner or later, and a cluster's login name leads
//! to several machines. Tasks that are submitted together are started one after the other by one process, so many at once
//! as the machine has cores; a task's id is that process's with `[NUMBER]` behind it.

use std::collections::{BTreeMap, HashMap};

use super::{Array, Asking, JobWords, Outcome, Scheduler, SchedulerState};
use crate::resources::ResourceError;
use crate::shell::quote;

#[derive(Debug)]
pub(crate) struct Plain;

impl JobWords for Plain {
    fn header(&self, _asking: &Asking<'_>) -> Result<Vec<String>, ResourceError> {
        Ok(Vec::new())
    }

    fn directive(&self) -> Option<&'static str> {
        None
    }

    fn wants_login_shell(&self) -> bool {
        false
    }

    fn own_id(&self) -> &'static str {
        r#"hoist_since_of $$; printf '%s:%s:%s' "$hoist_here" "$$" "$hoist_since""#
    }
}

impl Scheduler for Plain {
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
hoist_since_of $pid
if [ -n "$hoist_since" ]; then id="$hoist_here:$pid:$hoist_since"
else id=$(cat "$hoist_job/native_id" 2>/dev/null) || id="$hoist_here:$pid:0"; fi
"#
    }

    fn find(&self) -> &'static str {
        // The process writes its id itself; without one it never began.
        "id=\n"
    }

    fn query(&self, ids: &[&str]) -> String {
        let mut script = String::from(
            r#"look() {
  if [ "$1" != "$hoist_here" ]; then state=elsewhere
  elif [ -n "$3" ] && [ "$(hoist_start_of "$2")" = "$3" ]; then state=running
  else state=gone; fi
}
"#,
        );
        // All tasks of a process are looked at together.
        let mut processes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for id in ids {
            let process = id.split('[').next().unwrap_or_default();
            processes.entry(process).or_default().push(id);
        }
        for (process, ids) in processes {
            let mut parts = process.splitn(3, ':').map(quote);
            let mut next = || parts.next().unwrap_or_else(|| "''".to_owned());
            script.push_str(&format!("look {} {} {}\n", next(), next(), next()));
            for id in ids {
                script.push_str(&format!("echo {} $state\n", quote(id)));
            }
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
        // the number still means the same process. A task that has begun wrote down its own process.
        r#"
for id in "$@"; do
  job=${jobs%% *}; jobs=${jobs#* }
  case $id in
    *'['*) id=$(cat "$work/jobs/$job/native_id" 2>/dev/null) || continue ;;
  esac
  host=${id%%:*}; rest=${id#*:}; pid=${rest%%:*}; start=${rest#*:}
  if [ "$host" != "$hoist_here" ]; then
    fail scheduler "the job runs on $host, but the connection leads to $hoist_here"
  fi
  if [ -n "$start" ] && [ "$(hoist_start_of "$pid")" = "$start" ]; then
    kill -TERM "-$pid" 2>/dev/null || kill -TERM "$pid" 2>/dev/null
    ( trap '' HUP
      n=0
      while [ $n -lt 100 ] && [ "$(hoist_start_of "$pid")" = "$start" ]; do sleep 0.1 || sleep 1; n=$((n+1)); done
      if [ "$(hoist_start_of "$pid")" = "$start" ]; then kill -KILL "-$pid"; fi
    ) </dev/null >/dev/null 2>&1 &
  fi
done
"#
    }

    fn array(&self) -> Option<Array> {
        Some(Array {
            header: |_, _, _| Vec::new(),
            instead_of: None,
            least: 1,
            index: "$1",
            log: "scheduler.log",
            submit: Some(
                r#"
command -v xargs >/dev/null 2>&1 || fail scheduler "there is no command xargs"
if [ -z "$at_once" ]; then
  at_once=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
  at_once=$((at_once / cores))
  [ "$at_once" -gt 0 ] || at_once=1
fi
alone=
if command -v setsid >/dev/null 2>&1; then alone=setsid; fi
n=0; while [ $n -lt "$tasks" ]; do n=$((n+1)); echo $n; done >"$hoist_job/numbers"
# A task that fails must not keep the others from being started: xargs ends at status 255.
(umask "$umask"; exec $alone sh -c 'trap "" HUP; exec xargs -n 1 -P "$1" $2 $3 "$4/script.sh" <"$4/numbers"' sh "$at_once" "$alone" "$shell" "$hoist_job") </dev/null >>"$hoist_job/scheduler.log" 2>&1 &
pid=$!
start=$(hoist_start_of $pid)
id="$hoist_here:$pid:${start:-0}"
"#,
            ),
            task: |array, index| format!("{array}[{index}]"),
            limit: None,
        })
    }

    fn version(&self) -> Option<&'static str> {
        None
    }
}
