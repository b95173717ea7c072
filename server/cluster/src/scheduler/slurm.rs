//! Slurm: `sbatch`, `squeue`, `scancel`; `sacct` where it works, `scontrol` where it does not.

use std::collections::HashMap;

use super::{Outcome, Scheduler, SchedulerState};
use crate::resources::Resources;
use crate::shell::quote;

pub(crate) struct Slurm;

impl Scheduler for Slurm {
    fn header(&self, name: &str, job: &str, resources: &Resources) -> Vec<String> {
        let mut options = vec![
            format!("--job-name={}", word(name)),
            format!("--comment=hoist:{job}"),
            // A requeued job would run the function a second time behind the person's back.
            "--no-requeue".to_owned(),
        ];
        let mut option = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                options.push(format!("--{name}={value}"));
            }
        };
        option("partition", resources.partition.clone());
        option("account", resources.account.clone());
        option("nodes", resources.nodes.map(|n| n.to_string()));
        option("ntasks", resources.tasks.map(|n| n.to_string()));
        option("cpus-per-task", resources.cores.map(|n| n.to_string()));
        option(
            "mem",
            resources
                .memory
                .map(|m| format!("{}M", m.0.div_ceil(1 << 20))),
        );
        option("time", resources.time.map(|t| t.to_string()));
        option(
            "gres",
            resources
                .gpus
                .filter(|&n| n > 0)
                .map(|n| format!("gpu:{n}")),
        );
        options.extend(resources.extra.iter().map(|line| line.trim().to_owned()));
        options
            .into_iter()
            .map(|option| format!("#SBATCH {option}"))
            .collect()
    }

    fn wants_login_shell(&self) -> bool {
        true
    }

    fn own_id(&self) -> &'static str {
        r#"printf %s "$SLURM_JOB_ID""#
    }

    fn submit(&self) -> &'static str {
        r#"
tools sbatch
if out=$(umask "$umask"; sbatch --parsable --chdir="$hoist_job" --output=scheduler.log "$hoist_job/script.sh" 2>"$hoist_job/.sbatch"); then
  id=$(printf '%s\n' "$out" | sed -n '$s/;.*//p;$s/^\([0-9][0-9]*\)$/\1/p' | head -n 1)
  [ -n "$id" ] || fail scheduler "sbatch answered \"$out\" where a job number was expected"
else
  words=$(sed 's/^sbatch: //; s/^error: //' "$hoist_job/.sbatch")
  case $words in
    *"timed out"*|*"Unable to contact"*|*"ommunication connection failure"*|*"Zero Bytes were transmitted"*)
      fail uncertain "sbatch said: $words" ;;
    *) fail scheduler "sbatch refused the job: $words" ;;
  esac
fi
rm -f "$hoist_job/.sbatch"
"#
    }

    fn find(&self) -> &'static str {
        r#"
tools squeue
if list=$(squeue -h -t all -u "$(id -un)" -o '%A|%k|%Z' 2>"$hoist_job/.squeue"); then
  id=$(printf '%s\n' "$list" | grep -F "${hoist_job##*/}" | head -n 1 | cut -d'|' -f1)
else
  fail uncertain "squeue said: $(cat "$hoist_job/.squeue")"
fi
rm -f "$hoist_job/.squeue"
"#
    }

    fn query(&self, ids: &[&str]) -> String {
        let list = ids.iter().map(|id| quote(id)).collect::<Vec<_>>().join(" ");
        format!("tools squeue\nset -- {list}\n{QUERY}")
    }

    fn read(&self, printed: &str) -> HashMap<String, SchedulerState> {
        let mut states = HashMap::new();
        for line in printed.lines() {
            let mut parts = line.splitn(3, '|');
            let (Some(id), Some(word), reason) =
                (parts.next(), parts.next(), parts.next().unwrap_or(""))
            else {
                continue;
            };
            states.insert(id.trim().to_owned(), state(word.trim(), reason.trim()));
        }
        states
    }

    fn cancel(&self) -> &'static str {
        r#"
tools scancel
words=$(scancel "$id" 2>&1) || case $words in
  *"nvalid job id"*|*"already completing"*) ;;
  *) fail scheduler "scancel said: $words" ;;
esac
"#
    }

    fn version(&self) -> Option<&'static str> {
        Some("tools sbatch\nsbatch --version && squeue -h -u \"$(id -un)\" >/dev/null\n")
    }
}

/// One question for all jobs of the user: `squeue -j` fails for a job that has left the controller. What it does not
/// list is looked for in the accounting, and, where there is none, in the controller's memory.
const QUERY: &str = r#"
if ! list=$(squeue -h -t all -u "$(id -un)" -o '%A|%T|%r' 2>&1); then
  printf '%s\n' "$list" >&2
  exit 1
fi
printf '%s\n' "$list"
missing=
for id in "$@"; do
  case "
$list" in
    *"
$id|"*) ;;
    *) missing=$missing,$id ;;
  esac
done
[ -n "$missing" ] || exit 0
missing=${missing#,}
found=$(sacct -n -P -X -j "$missing" -o JobIDRaw,State,ExitCode 2>/dev/null) || found=
[ -n "$found" ] && printf '%s\n' "$found"
for id in $(printf %s "$missing" | tr , ' '); do
  case "
$found" in
    *"
$id|"*) ;;
    *)
      if words=$(scontrol -o show job "$id" 2>&1); then
        printf '%s|%s|%s\n' "$id" "$(printf %s "$words" | sed -n 's/.* JobState=\([^ ]*\).*/\1/p')" \
          "$(printf %s "$words" | sed -n 's/.* ExitCode=\([^ ]*\).*/\1/p')"
      else
        case $words in *"nvalid job id"*) printf '%s|LEFT|\n' "$id" ;; esac
      fi ;;
  esac
done
exit 0
"#;

/// A job's name as one word that `squeue` shows and no parser trips over.
fn word(name: &str) -> String {
    let word: String = name
        .chars()
        .take(60)
        .map(|c| {
            if c.is_ascii_alphanumeric() || "._-".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    if word.is_empty() {
        "hoist".to_owned()
    } else {
        word
    }
}

/// Slurm's word for a state, and the reason or exit code beside it, in ours. See squeue(1), "JOB STATE CODES".
fn state(word: &str, reason: &str) -> SchedulerState {
    let ended = |outcome, words: &str| SchedulerState::Ended {
        outcome,
        words: words.to_owned(),
    };
    // "CANCELLED by 1000", "FAILED+".
    let first = word.split([' ', '+']).next().unwrap_or_default();
    match first {
        "PENDING" | "REQUEUED" | "REQUEUE_HOLD" | "REQUEUE_FED" | "SPECIAL_EXIT" => {
            SchedulerState::Pending {
                reason: pending(reason),
            }
        }
        "RUNNING" | "CONFIGURING" | "COMPLETING" | "SUSPENDED" | "STOPPED" | "SIGNALING"
        | "RESIZING" | "STAGE_OUT" => SchedulerState::Running,
        "COMPLETED" => ended(Outcome::Completed, "Slurm says the job completed"),
        "FAILED" if reason.contains("JobLaunchFailure") => ended(
            Outcome::Failed,
            "the job's script was killed or could not be started, most often for want of memory (Slurm says JobLaunchFailure)",
        ),
        "FAILED" => ended(
            Outcome::Failed,
            &format!("Slurm says the job failed ({reason})"),
        ),
        "CANCELLED" | "REVOKED" => ended(Outcome::Cancelled, "the job was cancelled"),
        "TIMEOUT" | "DEADLINE" => ended(
            Outcome::TimedOut,
            "the job reached its limit of time; ask for more with time=... or make the work smaller",
        ),
        "OUT_OF_MEMORY" => ended(
            Outcome::OutOfMemory,
            "the job needed more memory than it had asked for; ask for more with memory=...",
        ),
        "NODE_FAIL" | "BOOT_FAIL" => ended(
            Outcome::NodeFailed,
            "a node failed under the job; run it again",
        ),
        "PREEMPTED" => ended(
            Outcome::Preempted,
            "the job had to make room for another one; run it again",
        ),
        "LEFT" => ended(
            Outcome::Vanished,
            "Slurm no longer knows the job, and it left no exit marker",
        ),
        _ => SchedulerState::Unknown,
    }
}

/// Slurm's reason for waiting in plain words. See squeue(1), "JOB REASON CODES".
fn pending(reason: &str) -> String {
    let words = match reason {
        "" | "None" => return "waiting for Slurm to look at it".to_owned(),
        "Priority" => "other jobs come first",
        "Resources" => "waiting for nodes to become free",
        "Dependency" => "waiting for another job",
        "DependencyNeverSatisfied" => "it waits for a job that did not end as it must; cancel it",
        "BeginTime" => "its start time has not come",
        "JobHeldUser" => "it is held; release it with scontrol release",
        "JobHeldAdmin" => "an administrator holds it; ask them",
        "JobLaunchFailure" => "its launch failed on a node",
        "Licenses" => "waiting for licences",
        "NodeDown" => "a node that it needs is down",
        "PartitionDown" => "the partition is down; choose another one",
        "PartitionInactive" => "the partition takes no jobs; choose another one",
        "PartitionNodeLimit" => "it asks for more nodes than the partition allows; ask for fewer",
        "PartitionTimeLimit" => {
            "it asks for more time than the partition allows; ask for less or choose another one"
        }
        "ReqNodeNotAvail" => {
            "nodes that it needs are not available, perhaps reserved for maintenance; ask for less time"
        }
        "Reservation" => "waiting for its reservation",
        "InvalidAccount" => "its account is not valid; correct `account`",
        "InvalidQOS" => "its quality of service is not valid; correct it",
        "BadConstraints" => "no node can ever give what it asks for; ask for less",
        r if r.starts_with("ReqNodeNotAvail") => {
            "nodes that it needs are not available, perhaps reserved or down"
        }
        r if r.contains("PerUser") || r.contains("PerAcc") || r.contains("PerJob") => {
            "a limit on what you may use at once is reached; wait for your other jobs or ask for less"
        }
        r if r.starts_with("Assoc") || r.starts_with("QOS") => {
            "a limit of your account or quality of service is reached"
        }
        other => return format!("Slurm says {other}"),
    };
    format!("{words} ({reason})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_says_what_was_asked_in_the_words_of_slurm() {
        let mut resources = Resources::default();
        for (key, value) in [
            ("cores", "4"),
            ("memory", "1.5G"),
            ("time", "1-12"),
            ("gpus", "2"),
            ("partition", "short"),
            ("account", "lab"),
            ("extra", "--qos=short"),
        ] {
            resources.set(key, value).expect(key);
        }
        insta::assert_snapshot!(Slurm.header("train; rm -rf ~ \n#", "01ARZ", &resources).join("\n"), @r"
        #SBATCH --job-name=train__rm_-rf_____
        #SBATCH --comment=hoist:01ARZ
        #SBATCH --no-requeue
        #SBATCH --partition=short
        #SBATCH --account=lab
        #SBATCH --cpus-per-task=4
        #SBATCH --mem=1536M
        #SBATCH --time=1-12:00:00
        #SBATCH --gres=gpu:2
        #SBATCH --qos=short
        ");
    }

    #[test]
    fn states_are_read_from_squeue_sacct_and_scontrol_alike() {
        let states = Slurm.read(
            "1|PENDING|Priority\n2|RUNNING|None\n3|CANCELLED by 1000|0:0\n4|OUT_OF_MEMORY|0:125\n5|TIMEOUT|0:0\n6|LEFT|\n\
             7|NODE_FAIL|1:0\n8|PREEMPTED|\n9|SOMETHING_NEW|\nnoise\n",
        );
        let outcome = |id: &str| match &states[id] {
            SchedulerState::Ended { outcome, .. } => Some(*outcome),
            _ => None,
        };
        assert_eq!(
            states["1"],
            SchedulerState::Pending {
                reason: "other jobs come first (Priority)".to_owned()
            }
        );
        assert_eq!(states["2"], SchedulerState::Running);
        assert_eq!(outcome("3"), Some(Outcome::Cancelled));
        assert_eq!(outcome("4"), Some(Outcome::OutOfMemory));
        assert_eq!(outcome("5"), Some(Outcome::TimedOut));
        assert_eq!(outcome("6"), Some(Outcome::Vanished));
        assert_eq!(outcome("7"), Some(Outcome::NodeFailed));
        assert_eq!(outcome("8"), Some(Outcome::Preempted));
        assert_eq!(states["9"], SchedulerState::Unknown);
        assert!(!states.contains_key("noise"));
    }
}
