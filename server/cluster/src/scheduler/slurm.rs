//! Slurm: `sbatch`, `squeue`, `scancel`; `sacct` where it works, `scontrol` where it does not.

use std::collections::HashMap;

use super::{ACCOUNT, Array, Asking, JobWords, Outcome, Scheduler, SchedulerState, amount, ended, out_of_memory, timed_out, word};
use crate::resources::{ResourceError, TimeLimit};
use crate::shell::quote;

#[derive(Debug)]
pub(crate) struct Slurm;

impl JobWords for Slurm {
    fn header(&self, asking: &Asking<'_>) -> Result<Vec<String>, ResourceError> {
        let resources = asking.resources;
        let mut options = vec![
            format!("--job-name={}", word(asking.name, 60)),
            format!("--comment=hoist:{}", asking.job),
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
        // To the job script, which passes it on.
        option(
            "signal",
            resources.warning.map(|warning| format!("B:USR1@{}", warning.0)),
        );
        option(
            "gres",
            resources
                .gpus
                .filter(|&n| n > 0)
                .map(|n| format!("gpu:{n}")),
        );
        options.extend(resources.extra.iter().map(|line| line.trim().to_owned()));
        Ok(options
            .into_iter()
            .map(|option| format!("#SBATCH {option}"))
            .collect())
    }

    fn directive(&self) -> Option<&'static str> {
        Some("#SBATCH")
    }

    fn wants_login_shell(&self) -> bool {
        true
    }

    fn own_id(&self) -> &'static str {
        r#"printf %s "${SLURM_ARRAY_JOB_ID:-$SLURM_JOB_ID}${SLURM_ARRAY_TASK_ID:+_$SLURM_ARRAY_TASK_ID}""#
    }
}

impl Scheduler for Slurm {
    fn after(&self) -> &'static str {
        "sed 's/_.*//' | sort -u | paste -s -d : -"
    }

    fn submit(&self) -> &'static str {
        r#"
tools sbatch
if out=$(umask "$umask"; sbatch --parsable ${after:+--dependency=afterok:$after --kill-on-invalid-dep=yes} --chdir="$hoist_job" --output="$log" "$hoist_job/script.sh" 2>"$hoist_job/.sbatch"); then
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
if list=$(squeue -h -t all -u "$(id -un)" -o '%F|%k|%Z' 2>"$hoist_job/.squeue"); then
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
        let mut jobs: HashMap<&str, Told<'_>> = HashMap::new();
        for line in printed.lines() {
            let fields: Vec<&str> = line.split('|').map(str::trim).collect();
            let [id, word, ..] = fields[..] else {
                continue;
            };
            let field = |index: usize| fields.get(index).copied().unwrap_or_default();
            // Of a job's steps only what they used is of interest: `7_2.batch`.
            let (id, is_step) = match id.split_once('.') {
                Some((id, _)) => (id, true),
                None => (id, false),
            };
            let told = jobs.entry(id).or_default();
            let used = amount(field(4)).into_iter().chain(told.used);
            told.used = used.reduce(f64::max);
            if !is_step {
                // The controller's word comes first: the accounting may be behind it.
                if told.word.is_empty() {
                    told.word = word;
                    told.reason = field(2);
                }
                // "4Gc" of older versions is for each core.
                let asked = Some(field(3)).filter(|text| !text.ends_with('c'));
                let asked = asked.and_then(amount).filter(|bytes| *bytes > 0.0);
                told.asked = asked.or(told.asked);
                told.limit = field(5).parse().ok().or(told.limit);
                told.nodes = Some(field(6)).filter(|names| !names.is_empty()).unwrap_or(told.nodes);
            }
        }
        let states = jobs.into_iter().filter(|(_, told)| !told.word.is_empty());
        states.map(|(id, told)| (id.to_owned(), told.state())).collect()
    }

    fn cancel(&self) -> &'static str {
        r#"
tools scancel
words=$(scancel "$@" 2>&1) || case $words in
  *"nvalid job id"*|*"already completing"*) ;;
  *) fail scheduler "scancel said: $words" ;;
esac
"#
    }

    fn mends(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("partition", "correct `partition` in the target's resources; `sinfo` lists those there are"),
            ("account", ACCOUNT),
            ("qos", "correct the quality of service in the target's `extra` lines"),
        ]
    }

    fn array(&self) -> Option<Array> {
        Some(Array {
            header: |_, tasks, at_once| {
                let at_once = at_once.map(|most| format!("%{most}")).unwrap_or_default();
                vec![format!("#SBATCH --array=1-{tasks}{at_once}")]
            },
            instead_of: None,
            least: 1,
            index: "$SLURM_ARRAY_TASK_ID",
            log: "scheduler-%a.log",
            submit: None,
            task: |array, index| format!("{array}_{index}"),
            // The greatest index is one less.
            limit: Some(
                "tools scontrol\nmost=$(scontrol show config 2>/dev/null | sed -n 's/^MaxArraySize *= *//p'); [ -z \"$most\" ] || echo $((most - 1))\n",
            ),
        })
    }

    fn forecast(&self) -> Option<&'static str> {
        // It answers on standard error.
        Some(
            r#"
tools sbatch
words=$(sbatch --test-only 2>&1)
time=$(printf '%s\n' "$words" | sed -n 's/.* to start at \([0-9T:-]*\) .*/\1/p' | tail -n 1)
if [ -n "$time" ]; then
  then=$(date -d "$time" +%s) && echo "start $((then - $(date +%s)))"
else
  case $words in
    *"timed out"*|*"Unable to contact"*|*"ommunication connection failure"*) printf '%s\n' "$words" >&2 ;;
    *) fail scheduler "sbatch would refuse the job: $(printf '%s\n' "$words" | sed 's/^sbatch: //; s/^error: //; s/^allocation failure: //')" ;;
  esac
fi
"#,
        )
    }

    fn version(&self) -> Option<&'static str> {
        Some("tools sbatch\nsbatch --version && squeue -h -u \"$(id -un)\" >/dev/null\n")
    }
}

/// One question for all jobs of the user: `squeue -j` fails for a job that has left the controller. What it does not
/// list is looked for in the accounting, and, where there is none, in the controller's memory; and so is what ran out of
/// memory, because only the accounting knows how much it used.
const QUERY: &str = r#"
if ! list=$(squeue -h -r -t all -u "$(id -un)" -o '%i|%T|%r|%m||%l|%N' 2>&1); then
  printf '%s\n' "$list" >&2
  exit 1
fi
printf '%s\n' "$list"
missing=
for id in "$@"; do
  case "
$list" in
    *"
$id|OUT_OF_MEM"*) missing=$missing,$id ;;
    *"
$id|"*) ;;
    *) missing=$missing,$id ;;
  esac
done
[ -n "$missing" ] || exit 0
missing=${missing#,}
# Of the tasks of an array, the array is asked about.
arrays=$(printf %s "$missing" | tr , '\n' | sed 's/_.*//' | sort -u | tr '\n' , | sed 's/,$//')
found=$(sacct -n -P -j "$arrays" -o JobID,State,ExitCode,ReqMem,MaxRSS,Timelimit,NodeList 2>/dev/null) || found=
[ -n "$found" ] && printf '%s\n' "$found"
for id in $(printf %s "$missing" | tr , ' '); do
  case "
$found" in
    *"
$id|"*) ;;
    *)
      if words=$(scontrol -o show job "$id" 2>&1); then
        get() { printf %s "$words" | sed -n "s/.* $1=\([^ ]*\).*/\1/p"; }
        printf '%s|%s|%s|%s||%s|%s\n' "$id" "$(get JobState)" "$(get ExitCode)" "$(get MinMemoryNode)" "$(get TimeLimit)" "$(get NodeList)"
      else
        case $words in *"nvalid job id"*) printf '%s|LEFT|\n' "$id" ;; esac
      fi ;;
  esac
done
exit 0
"#;

/// What is told of one job.
#[derive(Default)]
struct Told<'a> {
    /// Slurm's word for its state.
    word: &'a str,
    /// Why it waits, or its exit code.
    reason: &'a str,
    /// Bytes.
    asked: Option<f64>,
    /// Bytes, of its largest step.
    used: Option<f64>,
    limit: Option<TimeLimit>,
    nodes: &'a str,
}

impl Told<'_> {
    /// See squeue(1), "JOB STATE CODES".
    fn state(&self) -> SchedulerState {
        // "CANCELLED by 1000", "FAILED+".
        let first = self.word.split([' ', '+']).next().unwrap_or_default();
        match first {
            "PENDING" | "REQUEUED" | "REQUEUE_HOLD" | "REQUEUE_FED" | "SPECIAL_EXIT" => {
                SchedulerState::Pending {
                    reason: pending(self.reason),
                }
            }
            "RUNNING" | "CONFIGURING" | "COMPLETING" | "SUSPENDED" | "STOPPED" | "SIGNALING"
            | "RESIZING" | "STAGE_OUT" => SchedulerState::Running,
            "COMPLETED" => ended(Outcome::Completed, "Slurm says the job completed"),
            "FAILED" if self.reason.contains("JobLaunchFailure") || self.reason == "0:9" => ended(
                Outcome::Killed,
                format!(
                    "the job's script was killed or could not be started, most often for want of memory (Slurm says {})",
                    self.reason
                ),
            ),
            "FAILED" => ended(
                Outcome::Failed,
                format!("Slurm says the job failed ({})", self.reason),
            ),
            "CANCELLED" | "REVOKED" => ended(Outcome::Cancelled, "somebody cancelled the job with scancel"),
            "TIMEOUT" | "DEADLINE" => {
                #[expect(clippy::cast_precision_loss, reason = "a limit of time in seconds")]
                timed_out(self.limit.map(|limit| limit.0 as f64))
            }
            "OUT_OF_MEMORY" => {
                // Slurm looks at what is used only now and then: a job that grew fast is seen as it was before.
                let used = self.used.filter(|used| self.asked.is_some_and(|asked| *used >= asked / 2.0));
                out_of_memory(used, self.asked)
            }
            "NODE_FAIL" | "BOOT_FAIL" => {
                let node = match self.nodes {
                    "" | "(null)" | "None assigned" => "a node".to_owned(),
                    names if names.contains([',', '[']) => format!("a node of {names}"),
                    name => format!("the node {name}"),
                };
                ended(Outcome::NodeFailed, format!("{node} failed under the job; run it again"))
            }
            "PREEMPTED" => ended(
                Outcome::Preempted,
                "the job had to make room for another one; run it again, or in a partition whose jobs are not put aside",
            ),
            "LEFT" => ended(
                Outcome::Vanished,
                "Slurm no longer knows the job, and it left no exit marker",
            ),
            _ => SchedulerState::Unknown,
        }
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
        "BeginTime" => "its start time has not come, or it was put back and is tried again in a few minutes",
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
        "Reservation" => "waiting for its reservation",
        "InvalidAccount" => "its account is not valid; correct `account`",
        "InvalidQOS" => "its quality of service is not valid; correct it",
        "BadConstraints" => "no node can ever give what it asks for; ask for less",
        r if r.starts_with("ReqNodeNotAvail") => {
            "nodes that it needs are down or reserved, perhaps for maintenance; ask for less time, or for other nodes"
        }
        r if r.starts_with("Nodes required for job are DOWN") => {
            "nodes that it needs are down, drained or kept for partitions that come first; choose another partition or wait"
        }
        r if r.contains("MaxWall") => {
            "it asks for more time than your account or quality of service allows, and will never start; cancel it and ask for less"
        }
        r if r.contains("PerJob") => {
            "it asks for more than one job may have, and will never start; cancel it and ask for less"
        }
        r if r.contains("MaxJobs") => {
            "as many of your jobs run as may run at once; it starts when one of them ends"
        }
        r if r.contains("PerUser") || r.contains("PerAcc") => {
            "a limit on what you may use at once is reached; wait for your other jobs or ask for less"
        }
        r if r.contains("Grp") => {
            "what your group may use at once is in use; wait, or ask for less"
        }
        r if r.starts_with("Assoc") || r.starts_with("QOS") => {
            "a limit of your account or quality of service is reached; wait for your other jobs or ask for less"
        }
        other => return format!("Slurm says {other}"),
    };
    format!("{words} ({reason})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::Resources;

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
        let settings = crate::TargetSettings::local();
        let asking = Asking {
            name: "train; rm -rf ~ \n#",
            job: "01ARZ",
            folder: "/home/ada/.hoist/jobs/01ARZ",
            resources: &resources,
            settings: &settings,
            found: "",
        };
        let header = Slurm.header(&asking).expect("it can be said").join("\n");
        insta::assert_snapshot!(header, @r"
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
            "1|PENDING|Priority\n2|RUNNING|None\n3|CANCELLED by 1000|0:0\n4|OUT_OF_MEMORY|0:125|16G||1-00:00:00|n1\n4.batch|OUT_OF_MEMORY|0:125||15.5G||n1\n\
             5|TIMEOUT|0:0|100M||00:01:00|n1\n5.batch|CANCELLED|0:15||3052K||n1\n6|LEFT|\n7|NODE_FAIL|1:0|100M||UNLIMITED|n[1-2]\n8|PREEMPTED|\n9|SOMETHING_NEW|\n\
             10|OUT_OF_MEMORY|0:125|100M||Partition_Limit|n1\n10.batch|OUT_OF_MEMORY|0:125||1108K||n1\n11|OUT_OF_MEMORY|0:125|4Gc||\n\
             12_3|FAILED|1:0|100M||00:01:00|n1\n12_3.batch|FAILED|1:0||3M||n1\n13|FAILED|0:9|100M||00:01:00|n1\n14|NODE_FAIL|1:0|100M||00:01:00|n1\n\
             15|OUT_OF_MEMORY|OutOfMemory|150M||00:01:00|n1\n15|PENDING|0:0|16?|||n1\n15.batch|OUT_OF_MEMORY|0:125||85M||n1\nnoise\n",
        );
        let mut lines: Vec<String> = states.iter().map(|(id, state)| format!("{id:>5} {state:?}")).collect();
        lines.sort();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn every_reason_for_waiting_has_plain_words_and_what_can_be_done() {
        let reasons = [
            "None", "Priority", "Resources", "Dependency", "DependencyNeverSatisfied", "BeginTime", "JobHeldUser", "PartitionDown", "PartitionTimeLimit",
            "ReqNodeNotAvail, UnavailableNodes:n1", "QOSMaxJobsPerUserLimit", "AssocMaxJobsLimit", "QOSMaxWallDurationPerJobLimit", "QOSMaxCpuPerUserLimit",
            "QOSGrpGRES", "AssocGrpCPUMinutesLimit", "QOSMaxMemoryPerJob", "QOSUsageThreshold", "SomethingNew",
            "Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority partitions",
        ];
        insta::assert_snapshot!(reasons.map(pending).join("\n"));
    }
}
