//! LSF: `bsub`, `bjobs`, `bkill`.
//!
//! `bsub` reads the script from its input, options anywhere in it. Output comes to the job's folder at its end only, so the script
//! writes its own log. A job's description is our own name for it.

use std::collections::HashMap;

use super::{ACCOUNT, Array, Asking, JobWords, Outcome, Scheduler, SchedulerState, amount, ended, facts, out_of_memory, timed_out, word};
use crate::resources::ResourceError;
use crate::shell::quote;

#[derive(Debug)]
pub(crate) struct Lsf;

impl JobWords for Lsf {
    fn header(&self, asking: &Asking<'_>) -> Result<Vec<String>, ResourceError> {
        let resources = asking.resources;
        let slots = resources.cores.unwrap_or(1);
        let slots = slots.saturating_mul(resources.tasks.unwrap_or(1));
        let nodes = resources.nodes.unwrap_or(1);
        if !slots.is_multiple_of(nodes) {
            return Err(ResourceError(format!(
                "{slots} slots (tasks times cores) cannot be spread evenly over nodes = {nodes}, as LSF must; ask for a multiple"
            )));
        }
        let mut options = vec![
            format!("-J {}", word(asking.name, 60)),
            format!("-Jd hoist:{}", asking.job),
            "-L /bin/bash".to_owned(),
            "-o /dev/null".to_owned(),
            // A job that is run again would run the function a second time behind the person's back.
            "-rn".to_owned(),
        ];
        if let Some(queue) = &resources.partition {
            options.push(format!("-q {queue}"));
        }
        if let Some(account) = &resources.account {
            options.push(format!("-P {account}"));
        }
        if slots > 1 {
            options.push(format!("-n {slots}"));
            options.push(if nodes > 1 {
                format!("-R span[ptile={}]", slots / nodes)
            } else {
                "-R span[hosts=1]".to_owned()
            });
        }
        if let Some(memory) = resources.memory {
            let megabytes = memory.0.div_ceil(1 << 20);
            options.push(format!("-M {megabytes}MB"));
            options.push(format!("-R rusage[mem={megabytes}MB]"));
        }
        if let Some(time) = resources.time {
            let minutes = time.0.div_ceil(60);
            options.push(format!("-W {}:{:02}", minutes / 60, minutes % 60));
        }
        if let Some(gpus) = resources.gpus.filter(|gpus| *gpus > 0) {
            options.push(format!("-gpu num={gpus}"));
        }
        options.extend(resources.extra.iter().map(|line| line.trim().to_owned()));
        let lines = options.into_iter().map(|option| format!("#BSUB {option}"));
        Ok(lines.collect())
    }

    fn prologue(&self) -> Option<&'static str> {
        Some(r#"exec >>"$hoist_job/scheduler.log" 2>&1"#)
    }

    fn directive(&self) -> Option<&'static str> {
        Some("#BSUB")
    }

    fn wants_login_shell(&self) -> bool {
        true
    }

    fn own_id(&self) -> &'static str {
        r#"case $LSB_JOBINDEX in ''|0) printf %s "$LSB_JOBID" ;; *) printf '%s[%s]' "$LSB_JOBID" "$LSB_JOBINDEX" ;; esac"#
    }
}

impl Scheduler for Lsf {
    fn after(&self) -> &'static str {
        // With `done` a job would wait for ever once another one had failed.
        r#"sed 's/\[.*//' | sort -u | awk '{ printf "%sended(%s)", sep, $0; sep = " && " }'"#
    }

    fn submit(&self) -> &'static str {
        r#"
tools bsub LSF_
if out=$(umask "$umask"; bsub ${after:+-w} ${after:+"$after"} <"$hoist_job/script.sh" 2>"$hoist_job/.bsub"); then
  id=$(printf '%s\n' "$out" | sed -n 's/^Job <\([0-9][0-9]*\)> is submitted .*/\1/p' | tail -n 1)
  [ -n "$id" ] || fail scheduler "bsub answered \"$out\" where a job number was expected"
else
  words=$(sed 's/ *Job not submitted\.*//; /^ *$/d' "$hoist_job/.bsub")
  case $words in
    *"not responding"*|*"is down"*|*"ommunication"*|*"imed out"*|*"imeout"*|*"annot connect"*)
      fail uncertain "bsub said: $words" ;;
    *) fail scheduler "bsub refused the job: $words" ;;
  esac
fi
rm -f "$hoist_job/.bsub"
"#
    }

    fn find(&self) -> &'static str {
        r#"
tools bjobs LSF_
list=$(bjobs -a -noheader -o "jobid job_description delimiter='|'" 2>&1)
case $list in
  *"not responding"*|*"is down"*|*"ommunication"*|*"imed out"*|*"annot connect"*) fail uncertain "bjobs said: $list" ;;
esac
id=$(printf '%s\n' "$list" | grep -F "hoist:${hoist_job##*/}" | head -n 1 | cut -d'|' -f1)
"#
    }

    fn query(&self, ids: &[&str]) -> String {
        let list = ids.iter().map(|id| quote(id)).collect::<Vec<_>>().join(" ");
        format!("tools bjobs LSF_\nset -- {list}\n{QUERY}")
    }

    fn read(&self, printed: &str) -> HashMap<String, SchedulerState> {
        let states = facts(printed).filter_map(|(kind, id, rest)| match kind {
            "job" => {
                let mut parts = rest.splitn(6, '|').map(str::trim);
                let mut next = || parts.next().unwrap_or_default();
                let (word, status, used, asked, why, pend) = (next(), next(), next(), next(), next(), next());
                Some((id.to_owned(), state(id, word, status, why, pend, amount(used), amount(asked))))
            }
            "left" => {
                let words = "LSF no longer knows the job, and it left no exit marker";
                Some((id.to_owned(), ended(Outcome::Vanished, words)))
            }
            _ => None,
        });
        states.collect()
    }

    fn patience(&self) -> u32 {
        4
    }

    fn cancel(&self) -> &'static str {
        r#"
tools bkill LSF_
words=$(bkill "$@" 2>&1) || case $words in
  *"already finished"*|*"o matching job"*|*"is not found"*) ;;
  *) fail scheduler "bkill said: $words" ;;
esac
"#
    }

    fn array(&self) -> Option<Array> {
        Some(Array {
            header: |asking, tasks, at_once| {
                let at_once = at_once.map(|most| format!("%{most}")).unwrap_or_default();
                vec![format!("#BSUB -J \"{}[1-{tasks}]{at_once}\"", word(asking.name, 60))]
            },
            instead_of: Some("#BSUB -J "),
            least: 1,
            index: "$LSB_JOBINDEX",
            log: "",
            submit: None,
            task: |array, index| format!("{array}[{index}]"),
            limit: Some(
                "tools bparams LSF_\nmost=$(bparams -a 2>/dev/null | sed -n 's/^ *MAX_JOB_ARRAY_SIZE *= *\\([0-9][0-9]*\\).*/\\1/p'); echo \"${most:-1000}\"\n",
            ),
        })
    }

    fn mends(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("queue", "correct `partition` in the target's resources; `bqueues` lists the queues there are"),
            ("project", ACCOUNT),
        ]
    }

    fn version(&self) -> Option<&'static str> {
        Some("tools bjobs LSF_\n(bjobs -V 2>&1 | head -n 1) && { words=$(bjobs 2>&1) || case $words in *\"No unfinished job\"*) ;; *) printf '%s\\n' \"$words\" >&2; exit 1 ;; esac; }\n")
    }
}

/// One question for all jobs, and for a whole array where tasks of it are asked about; of those that have gone it says so one by one.
const QUERY: &str = r#"
wanted=$(printf '%s\n' "$@")
set -f
set -- $(printf '%s\n' "$wanted" | sed 's/\[.*//' | sort -u)
list=$(bjobs -a -noheader -o "jobid jobindex stat exit_code max_mem memlimit exit_reason pend_reason delimiter='|'" "$@" 2>&1)
case $list in
  *"not responding"*|*"is down"*|*"ommunication"*|*"imed out"*|*"annot connect"*) printf '%s\n' "$list" >&2; exit 1 ;;
esac
printf '%s\n' "$list" | sed -n 's/^\([0-9][0-9]*\)|[0-]|/job|\1|/p; s/^\([0-9][0-9]*\)|\([0-9][0-9]*\)|/job|\1[\2]|/p'
for id in $wanted; do
  case $list in *"Job <${id%%\[*}> is not found"*) printf 'left|%s\n' "$id" ;; esac
done
exit 0
"#;

/// LSF's word for a state and its reasons in ours, see bjobs(1).
fn state(
    id: &str,
    word: &str,
    status: &str,
    why: &str,
    pend: &str,
    used: Option<f64>,
    asked: Option<f64>,
) -> SchedulerState {
    let pend = pend.trim_matches(['-', ';', ' ', '.']);
    match word {
        "PSUSP" => SchedulerState::Pending {
            reason: format!("it is held (PSUSP); `bresume {id}` there releases it"),
        },
        "PEND" | "WAIT" => SchedulerState::Pending {
            reason: if pend.is_empty() {
                "waiting for LSF to look at it".to_owned()
            } else {
                format!("LSF says: {pend}")
            },
        },
        "RUN" | "USUSP" | "SSUSP" | "PROV" => SchedulerState::Running,
        "DONE" => ended(Outcome::Completed, "LSF says the job completed"),
        "EXIT" | "ZOMBI" => {
            let reason = why.split([':', ' ']).next().unwrap_or_default();
            match reason {
                "TERM_RUNLIMIT" | "TERM_DEADLINE" | "TERM_WINDOW" => timed_out(None),
                "TERM_MEMLIMIT" | "TERM_SWAP" => out_of_memory(used, asked),
                "TERM_OWNER" | "TERM_ADMIN" | "TERM_FORCE_OWNER" | "TERM_FORCE_ADMIN" => {
                    ended(Outcome::Cancelled, "the job was ended with bkill")
                }
                "TERM_PREEMPT" => ended(
                    Outcome::Preempted,
                    "the job had to make room for another one; run it again",
                ),
                "TERM_ZOMBIE" | "TERM_REMOVE_HUNG_JOB" => ended(
                    Outcome::NodeFailed,
                    "a host failed under the job; run it again",
                ),
                _ if matches!(status, "137" | "9") => ended(
                    Outcome::Killed,
                    "the job was killed (SIGKILL), most often for want of memory; ask for more with memory=...",
                ),
                _ => ended(
                    Outcome::Failed,
                    format!("LSF says the job ended with status {status} ({why})"),
                ),
            }
        }
        _ => SchedulerState::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Resources, TargetSettings};

    #[test]
    fn the_header_says_what_was_asked_in_the_words_of_lsf() {
        let mut resources = Resources::default();
        for (key, value) in [
            ("cores", "4"),
            ("tasks", "2"),
            ("nodes", "2"),
            ("memory", "1.5G"),
            ("time", "90s"),
            ("gpus", "2"),
            ("queue", "long"),
            ("account", "lab"),
            ("extra", "-x"),
        ] {
            resources.set(key, value).expect(key);
        }
        let asking = Asking {
            name: "train; rm -rf ~ \n#",
            job: "01ARZ",
            folder: "/home/ada/.hoist/jobs/01ARZ",
            resources: &resources,
            settings: &TargetSettings::local(),
            found: "",
        };
        insta::assert_snapshot!(Lsf.header(&asking).expect("it can be said").join("\n"));
        let mut uneven = resources.clone();
        uneven.set("nodes", "3").expect("a number");
        let asking = Asking {
            resources: &uneven,
            ..asking
        };
        let refused = Lsf.header(&asking).unwrap_err().to_string();
        assert!(refused.starts_with("8 slots (tasks times cores) cannot be spread evenly over nodes = 3"), "{refused}");
    }

    #[test]
    fn states_are_read_from_bjobs() {
        let states = Lsf.read(
            "job|1|PEND|-|-|-|-|Job slot limit reached;\njob|2|PEND|-|-|-|-|-\njob|3|PSUSP|-|-|-|-|-\njob|4|RUN|-|12 Mbytes|-|-|-\n\
             job|5|DONE|-|12 Mbytes|-|-|-\njob|6|EXIT|3|12 Mbytes|-|TERM_UNKNOWN: unknown reason|-\n\
             job|7|EXIT|140|-|-|TERM_RUNLIMIT: job killed after reaching LSF run time limit|-\n\
             job|8|EXIT|137|1.2 Gbytes|1 G|TERM_MEMLIMIT: job killed after reaching LSF memory usage limit|-\n\
             job|9|EXIT|130|-|-|TERM_OWNER: job killed by owner|-\njob|10|EXIT|137|-|-|-|-\njob|11|UNKWN|-|-|-|-|-\nleft|12\n",
        );
        let mut lines: Vec<String> = states.iter().map(|(id, state)| format!("{id:>2} {state:?}")).collect();
        lines.sort();
        insta::assert_snapshot!(lines.join("\n"));
    }
}
