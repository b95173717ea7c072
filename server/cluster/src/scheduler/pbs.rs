//! OpenPBS and PBS Pro: `qsub`, `qstat`, `qdel`.
//!
//! Output of a job comes to its folder at its end only, so the script writes its own log. `qstat` says three things by its status:
//! 0, 35 (a job has finished, and no history is kept) and 153 (a job is not known); with the last two it still answers for the
//! others. A finished job's exit status says how it ended, and where there is none it never ran, whatever its substate says.

use std::collections::HashMap;

use super::{
    ACCOUNT, Array, Asking, JobWords, Outcome, Scheduler, SchedulerState, amount, ended, facts, hours, out_of_memory, timed_out, word,
};
use crate::resources::{ResourceError, Resources};
use crate::shell::quote;

#[derive(Debug)]
pub(crate) struct Pbs;

impl JobWords for Pbs {
    fn header(&self, asking: &Asking<'_>) -> Result<Vec<String>, ResourceError> {
        let resources = asking.resources;
        let mut options = vec![
            // More letters than that are refused by old servers.
            format!("-N {}", job_name(asking.name)),
            "-S /bin/bash".to_owned(),
            "-j oe".to_owned(),
            "-o /dev/null".to_owned(),
            // A job that is run again would run the function a second time behind the person's back.
            "-r n".to_owned(),
            format!("-v HOIST_JOB={}", asking.job),
        ];
        if let Some(queue) = &resources.partition {
            options.push(format!("-q {queue}"));
        }
        if let Some(account) = &resources.account {
            options.push(format!("-A {account}"));
        }
        if let Some(select) = select(resources)? {
            options.push(format!("-l select={select}"));
            if resources.nodes.is_some_and(|nodes| nodes > 1) {
                options.push("-l place=scatter".to_owned());
            }
        }
        if let Some(time) = resources.time {
            options.push(format!("-l walltime={}", hours(time)));
        }
        options.extend(resources.extra.iter().map(|line| line.trim().to_owned()));
        let lines = options.into_iter().map(|option| format!("#PBS {option}"));
        Ok(lines.collect())
    }

    fn prologue(&self) -> Option<&'static str> {
        Some(r#"exec >>"$hoist_job/scheduler.log" 2>&1"#)
    }

    fn directive(&self) -> Option<&'static str> {
        Some("#PBS")
    }

    fn wants_login_shell(&self) -> bool {
        true
    }

    fn own_id(&self) -> &'static str {
        r#"printf %s "$PBS_JOBID""#
    }
}

impl Scheduler for Pbs {
    fn after(&self) -> &'static str {
        // Of a task of an array the whole array is meant.
        "sed 's/\\[[0-9]*\\]/[]/' | sort -u | paste -s -d : -"
    }

    fn submit(&self) -> &'static str {
        r#"
tools qsub PBS_
if out=$(umask "$umask"; qsub ${after:+-W} ${after:+"depend=afterok:$after"} "$hoist_job/script.sh" 2>"$hoist_job/.qsub"); then
  id=$(printf '%s\n' "$out" | sed -n 's/^\([0-9][0-9]*\(\[\]\)\{0,1\}\.[^ ]*\)$/\1/p' | tail -n 1)
  [ -n "$id" ] || fail scheduler "qsub answered \"$out\" where a job number was expected"
else
  words=$(sed 's/^qsub: //; /^ *$/d' "$hoist_job/.qsub")
  case $words in
    *"annot connect to server"*|*"onnection refused"*|*"ommunication failure"*|*"imed out"*|*"imeout"*|*"nd of File"*|*"o contact"*)
      fail uncertain "qsub said: $words" ;;
    *) fail scheduler "qsub refused the job: $words" ;;
  esac
fi
rm -f "$hoist_job/.qsub"
"#
    }

    fn find(&self) -> &'static str {
        r#"
tools qselect PBS_
if list=$(qselect -u "$(id -un)" 2>&1); then
  if [ -n "$list" ]; then
    id=$(qstat -f -F json $list 2>/dev/null | awk -v job="${hoist_job##*/}" '
      /^ *"[0-9]+(\[[0-9]*\])?\.[^"]*" *: *\{/ { id = $0; sub(/^ *"/, "", id); sub(/".*/, "", id) }
      /"HOIST_JOB"/ && index($0, "\"" job "\"") { print id; exit }')
  fi
else
  fail uncertain "qselect said: $list"
fi
"#
    }

    fn query(&self, ids: &[&str]) -> String {
        let list = ids.iter().map(|id| quote(id)).collect::<Vec<_>>().join(" ");
        format!("tools qstat PBS_\nset -- {list}\n{QUERY}")
    }

    fn read(&self, printed: &str) -> HashMap<String, SchedulerState> {
        let mut jobs: HashMap<&str, Job<'_>> = HashMap::new();
        let mut states = HashMap::new();
        for (kind, id, rest) in facts(printed) {
            match kind {
                "job" => {
                    let (key, value) = rest.split_once('|').unwrap_or((rest, ""));
                    jobs.entry(id).or_default().insert(key, value);
                }
                "finished" => {
                    let words = "PBS says that the job has finished, keeps no history of it, and it left no exit marker: it was killed, \
                         most often at a limit of time or memory, or somebody deleted it";
                    states.insert(id.to_owned(), ended(Outcome::Vanished, words));
                }
                "left" => {
                    let words = "PBS no longer knows the job, and it left no exit marker";
                    states.insert(id.to_owned(), ended(Outcome::Vanished, words));
                }
                _ => {}
            }
        }
        states.extend(jobs.into_iter().map(|(id, job)| (id.to_owned(), state(id, &job))));
        states
    }

    fn patience(&self) -> u32 {
        4
    }

    fn cancel(&self) -> &'static str {
        // A job that is just ending cannot be deleted.
        r#"
tools qdel PBS_
words=$(qdel "$@" 2>&1) || case $words in
  *"nknown Job"*|*"has finished"*|*"nvalid for state"*) ;;
  *) fail scheduler "qdel said: $words" ;;
esac
"#
    }

    fn array(&self) -> Option<Array> {
        Some(Array {
            header: |_, tasks, at_once| {
                let at_once = at_once.map(|most| format!("%{most}")).unwrap_or_default();
                // A server takes no array whose tasks may not run again; what has begun does not begin a second time all the same.
                vec![format!("#PBS -J 1-{tasks}{at_once}"), "#PBS -r y".to_owned()]
            },
            instead_of: Some("#PBS -r "),
            least: 2,
            index: "$PBS_ARRAY_INDEX",
            log: "",
            submit: None,
            // `14[].host`
            task: |array, index| array.replacen("[]", &format!("[{index}]"), 1),
            limit: Some(
                "tools qstat PBS_\nmost=$(qstat -B -f 2>/dev/null | sed -n 's/^ *max_array_size *= *//p'); echo \"${most:-10000}\"\n",
            ),
        })
    }

    fn mends(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("queue", "correct `partition` in the target's resources; `qstat -Q` lists the queues there are"),
            ("account", ACCOUNT),
            ("project", ACCOUNT),
            ("unknown resource", "correct the target's `extra` lines"),
        ]
    }

    fn version(&self) -> Option<&'static str> {
        Some("tools qstat PBS_\nqstat --version 2>&1 && qstat >/dev/null\n")
    }
}

/// What is told of one job.
type Job<'a> = HashMap<&'a str, &'a str>;

/// One question for all jobs, and for a whole array where tasks of it are asked about. With the history switched off the same is asked without it. Of what `qstat` prints only a few lines
/// are sent on, because it prints each job's whole environment.
const QUERY: &str = r#"
errors=$work/.qstat.$$
wanted=$(printf '%s\n' "$@")
set -f
set -- $(printf '%s\n' "$wanted" | sed 's/\[[0-9]*\]/[]/' | sort -u)
out=$(qstat -t -x -f -F json "$@" 2>"$errors")
status=$?
case $(cat "$errors") in
  *"not configured to maintain job history"*)
    out=$(qstat -t -f -F json "$@" 2>"$errors")
    status=$? ;;
esac
words=$(cat "$errors")
rm -f "$errors"
case $status in
  0|35|153) ;;
  *) printf '%s\n' "$words" >&2; exit 1 ;;
esac
known=$(printf '%s\n' "$out" | awk '
  /^ *"[0-9]+(\[[0-9]*\])?\.[^"]*" *: *\{/ { id = $0; sub(/^ *"/, "", id); sub(/".*/, "", id); part = ""; next }
  id == "" { next }
  /^ *"Resource_List" *: *\{/ { part = "asked."; next }
  /^ *"resources_used" *: *\{/ { part = "used."; next }
  /^ *"[A-Za-z_]+" *: *\{/ { part = "other."; next }
  /^ *\}/ { part = ""; next }
  part != "other." && /^ *"(job_state|substate|Exit_status|comment|mem|walltime)" *:/ {
    key = $0; sub(/^ *"/, "", key); sub(/".*/, "", key)
    value = $0; sub(/^[^:]*: */, "", value); sub(/, *$/, "", value)
    print "job|" id "|" part key "|" value
  }')
[ -z "$known" ] || printf '%s\n' "$known"
for id in $wanted; do
  case "$known" in *"job|$id|"*) continue ;; esac
  array=$id
  case $id in *'['*) array="${id%%\[*}[]${id#*\]}" ;; esac
  case "$words" in *"$array Job has finished"*) printf 'finished|%s\n' "$id" ;; *) printf 'left|%s\n' "$id" ;; esac
done
exit 0
"#;

/// A name that old servers take: at most 15 letters, the first no digit.
fn job_name(name: &str) -> String {
    let name = word(name, 15);
    if name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        name
    } else {
        word(&format!("j{name}"), 15)
    }
}

/// The chunks: one for each node, with the tasks that it gets.
fn select(resources: &Resources) -> Result<Option<String>, ResourceError> {
    let Resources { cores, memory, gpus, nodes, tasks, .. } = resources;
    if cores.or(*nodes).or(*tasks).is_none() && memory.is_none() && gpus.is_none_or(|gpus| gpus == 0) {
        return Ok(None);
    }
    let (nodes, tasks) = (nodes.unwrap_or(1), tasks.unwrap_or(1));
    let each = if tasks <= 1 {
        1
    } else if tasks.is_multiple_of(nodes) {
        tasks / nodes
    } else {
        return Err(ResourceError(format!(
            "tasks = {tasks} cannot be spread evenly over nodes = {nodes}, as PBS must; ask for a multiple"
        )));
    };
    let mut chunk = format!("{nodes}:ncpus={}", cores.unwrap_or(1).saturating_mul(each));
    if tasks > 1 {
        chunk.push_str(&format!(":mpiprocs={each}"));
    }
    if let Some(memory) = memory {
        chunk.push_str(&format!(":mem={}mb", memory.0.div_ceil(1 << 20)));
    }
    if let Some(gpus) = gpus.filter(|gpus| *gpus > 0) {
        chunk.push_str(&format!(":ngpus={gpus}"));
    }
    Ok(Some(chunk))
}

/// A job's letter, exit status and comment in our words.
fn state(id: &str, job: &Job<'_>) -> SchedulerState {
    let text = |key: &str| {
        let value = job.get(key).copied().unwrap_or_default();
        serde_json::from_str::<String>(value).unwrap_or_else(|_| value.trim_matches('"').to_owned())
    };
    let number = |key: &str| text(key).parse::<i64>().ok();
    let comment = text("comment");
    let pending = |reason: String| SchedulerState::Pending { reason };
    match text("job_state").as_str() {
        "H" => pending(format!("it is held, or waits for another job (H); `qrls {id}` there releases it")),
        "Q" | "W" | "T" if comment.contains("Can Never Run") => pending(format!(
            "no node can ever give what it asks for ({comment}); cancel it and ask for less, or for another queue"
        )),
        "W" => pending("its start time has not come (W)".to_owned()),
        "Q" | "T" if comment.is_empty() => pending("waiting for PBS to look at it".to_owned()),
        "Q" | "T" => pending(match comment.as_str() {
            words if words.contains("Not enough free nodes") || words.contains("nsufficient amount of resource") => {
                format!("waiting for nodes to become free ({words})")
            }
            words if words.contains("limit") => {
                format!("a limit on what may run at once is reached ({words}); wait for your other jobs or ask for less")
            }
            words => format!("PBS says: {words}"),
        }),
        "R" | "E" | "S" | "U" | "B" => SchedulerState::Running,
        "F" | "X" => finished(number("substate"), number("Exit_status"), &comment, &|key| amount(&text(key))),
        _ => SchedulerState::Unknown,
    }
}

/// How a job ended. Negative numbers are the execution host's own: see its list of exit codes.
fn finished(
    substate: Option<i64>,
    status: Option<i64>,
    comment: &str,
    figure: &dyn Fn(&str) -> Option<f64>,
) -> SchedulerState {
    match (substate, status) {
        (Some(91), _) => ended(Outcome::Cancelled, "the job was deleted with qdel"),
        (_, None) => ended(
            Outcome::NotStarted,
            format!(
                "PBS ended the job without running it{}: a job that it had to wait for did not end as it must, or it could not be started",
                if comment.is_empty() { String::new() } else { format!(" ({comment})") }
            ),
        ),
        (_, Some(0)) => ended(Outcome::Completed, "PBS says the job completed"),
        (_, Some(-29)) => timed_out(figure("asked.walltime")),
        (_, Some(-27 | -26)) => out_of_memory(figure("used.mem"), figure("asked.mem")),
        (_, Some(status @ ..0)) => ended(
            Outcome::NotStarted,
            format!("PBS could not start the job or keep it (its exit status is {status}); run it again, and ask the administrators if that does not help"),
        ),
        (_, Some(137 | 265)) => ended(
            Outcome::Killed,
            "the job was killed (SIGKILL), most often for want of memory; ask for more with memory=...",
        ),
        (_, Some(143 | 271)) => ended(
            Outcome::Killed,
            "the job was told to end (SIGTERM) by the scheduler or by somebody on the machine",
        ),
        (_, Some(status)) => ended(Outcome::Failed, format!("PBS says the job ended with status {status}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TargetSettings;

    fn header(wanted: &[(&str, &str)]) -> Result<String, String> {
        let mut resources = Resources::default();
        for (key, value) in wanted {
            resources.set(key, value).expect(key);
        }
        let asking = Asking {
            name: "3train; rm -rf ~ \n#",
            job: "01ARZ",
            folder: "/home/ada/.hoist/jobs/01ARZ",
            resources: &resources,
            settings: &TargetSettings::local(),
            found: "",
        };
        let lines = Pbs.header(&asking).map_err(|error| error.to_string())?;
        Ok(lines.join("\n"))
    }

    #[test]
    fn the_header_says_what_was_asked_in_the_words_of_pbs() {
        let wanted = [
            ("cores", "4"),
            ("memory", "1.5G"),
            ("time", "1-12"),
            ("gpus", "2"),
            ("queue", "long"),
            ("account", "lab"),
            ("extra", "-l software=x"),
        ];
        insta::assert_snapshot!(header(&wanted).unwrap_or_default());
        let spread = header(&[("nodes", "2"), ("tasks", "8"), ("cores", "3")]).unwrap_or_default();
        assert!(spread.contains("-l select=2:ncpus=12:mpiprocs=4\n#PBS -l place=scatter"), "{spread}");
        let uneven = header(&[("nodes", "2"), ("tasks", "3")]).unwrap_err();
        assert!(uneven.starts_with("tasks = 3 cannot be spread evenly over nodes = 2"), "{uneven}");
        assert!(!header(&[("time", "1h")]).unwrap_or_default().contains("select"));
    }

    #[test]
    fn states_are_read_as_a_real_server_gives_them() {
        let job = |id: &str, facts: &[(&str, &str)]| -> String {
            facts.iter().map(|(key, value)| format!("job|{id}.host|{key}|{value}\n")).collect()
        };
        let printed = [
            job("1", &[("job_state", "\"Q\"")]),
            job("2", &[("job_state", "\"Q\""), ("comment", "\"Can Never Run: Insufficient amount of resource: ncpus (R: 99 A: 8 T: 8)\"")]),
            job("3", &[("job_state", "\"Q\""), ("comment", "\"Not Running: Not enough free nodes available\"")]),
            job("4", &[("job_state", "\"H\"")]),
            job("5[]", &[("job_state", "\"B\"")]),
            job("6", &[("job_state", "\"E\""), ("substate", "51")]),
            job("7", &[("job_state", "\"F\""), ("substate", "92"), ("Exit_status", "0")]),
            job("8", &[("job_state", "\"F\""), ("substate", "93"), ("Exit_status", "7")]),
            job("9", &[("job_state", "\"F\""), ("substate", "91"), ("Exit_status", "271")]),
            job("10", &[("job_state", "\"F\""), ("substate", "93"), ("Exit_status", "-29"), ("asked.walltime", "\"00:01:30\"")]),
            job("11", &[("job_state", "\"F\""), ("substate", "93"), ("Exit_status", "137")]),
            job("12", &[("job_state", "\"F\""), ("substate", "91")]),
            job("13", &[("job_state", "\"F\""), ("substate", "92"), ("comment", "\"Job deleted as result of dependency on job 8.host\"")]),
            job("14", &[("job_state", "\"F\""), ("substate", "93"), ("Exit_status", "-27"), ("used.mem", "\"2097152kb\""), ("asked.mem", "\"1gb\"")]),
            job("15[2]", &[("job_state", "\"X\""), ("substate", "92"), ("Exit_status", "0")]),
            job("16", &[("job_state", "\"?\"")]),
            "finished|20.host\nleft|21.host\nnoise\n".to_owned(),
        ];
        let states = Pbs.read(&printed.concat());
        let mut lines: Vec<String> = states.iter().map(|(id, state)| format!("{id:>10} {state:?}")).collect();
        lines.sort();
        insta::assert_snapshot!(lines.join("\n"));
    }
}
