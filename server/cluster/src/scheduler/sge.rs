//! Grid Engine (Son of Grid Engine, Univa, Altair): `qsub`, `qstat`, `qdel`; `qacct` for what has left the queue.
//!
//! Its options may stand anywhere in a script, so nothing else there begins a line with `#$`. A job's name ends in our own name for
//! it, by which `qstat -j` finds it again. `-notify` has a job told by SIGUSR2 before it is killed, so that its runner can write down
//! how it ended.

use std::collections::HashMap;

use super::{Array, Asking, JobWords, Outcome, Scheduler, SchedulerState, amount, ended, facts, hours, out_of_memory, timed_out, word};
use crate::resources::{Memory, ResourceError};
use crate::shell::quote;

#[derive(Debug)]
pub(crate) struct GridEngine;

impl JobWords for GridEngine {
    fn header(&self, asking: &Asking<'_>) -> Result<Vec<String>, ResourceError> {
        let (resources, site) = (asking.resources, Site(asking.found));
        if let Some(word) = REPLACED.iter().find(|word| asking.folder.contains(**word)) {
            return Err(ResourceError(format!(
                "the job's folder {} cannot be used, Grid Engine would replace {word} in it by something else; \
                 set `work_dir` of the target to another folder",
                asking.folder
            )));
        }
        if let Some(nodes) = resources.nodes.filter(|nodes| *nodes > 1) {
            return Err(ResourceError(format!(
                "nodes = {nodes} cannot be asked of Grid Engine: it spreads `tasks` times `cores` slots as its parallel environment says; \
                 leave `nodes` out and set `parallel_environment` to one that spans hosts"
            )));
        }
        let slots = resources.cores.unwrap_or(1);
        let slots = slots.saturating_mul(resources.tasks.unwrap_or(1));
        let mut options = vec![
            format!("-N {}", job_name(asking.name, asking.job)),
            "-S /bin/bash".to_owned(),
            "-cwd".to_owned(),
            "-j y".to_owned(),
            // A job that is run again would run the function a second time behind the person's back.
            "-r n".to_owned(),
            "-notify".to_owned(),
        ];
        if let Some(queue) = &resources.partition {
            options.push(format!("-q {queue}"));
        }
        if let Some(account) = &resources.account {
            options.push(format!("-P {account}"));
        }
        if slots > 1 {
            let chosen = asking.settings.parallel_environment.as_deref();
            options.push(format!(
                "-pe {} {slots}",
                site.parallel_environment(chosen)?
            ));
        }
        if let Some(memory) = resources.memory {
            let name = asking.settings.memory_resource.as_deref();
            let name = name.unwrap_or("h_vmem");
            options.push(format!("-l {name}={}", site.share(name, memory, slots)));
        }
        if let Some(time) = resources.time {
            options.push(format!("-l h_rt={}", hours(time)));
        }
        if let Some(gpus) = resources.gpus.filter(|gpus| *gpus > 0) {
            let name = site.gpu_resource(asking.settings.gpu_resource.as_deref())?;
            options.push(format!("-l {name}={}", site.gpus(name, gpus, slots)?));
        }
        options.extend(resources.extra.iter().map(|line| line.trim().to_owned()));
        let lines = options.into_iter().map(|option| format!("#$ {option}"));
        Ok(lines.collect())
    }

    fn prologue(&self) -> Option<&'static str> {
        // Where a queue starts scripts by `-S` alone, the first line's `-l` is not read.
        Some("shopt -q login_shell || { [ ! -r /etc/profile ] || . /etc/profile; }")
    }

    fn directive(&self) -> Option<&'static str> {
        Some("#$")
    }

    fn wants_login_shell(&self) -> bool {
        true
    }

    fn own_id(&self) -> &'static str {
        r#"case $SGE_TASK_ID in ''|undefined) printf %s "$JOB_ID" ;; *) printf %s "$JOB_ID.$SGE_TASK_ID" ;; esac"#
    }
}

impl Scheduler for GridEngine {
    fn survey(&self) -> Option<&'static str> {
        Some(SURVEY)
    }

    fn after(&self) -> &'static str {
        "sed 's/[.].*//' | sort -u | paste -s -d , -"
    }

    fn submit(&self) -> &'static str {
        r#"
tools qsub SGE_
if out=$(cd "$hoist_job" && umask "$umask" && qsub -terse ${after:+-hold_jid $after} -o "$log" script.sh 2>"$hoist_job/.qsub"); then
  id=$(printf '%s\n' "$out" | sed -n 's/^\([0-9][0-9]*\)\(\.[0-9:-]*\)\{0,1\}$/\1/p' | tail -n 1)
  [ -n "$id" ] || fail scheduler "qsub answered \"$out\" where a job number was expected"
else
  words=$(printf '%s\n' "$out" | cat - "$hoist_job/.qsub" | sed 's/^Unable to run job: //; s/^error: //; /^Exiting\.*$/d; /^ *$/d')
  case $words in
    *"commlib error"*|*"nable to contact"*|*"nable to send message"*|*"got no connection"*|*"imeout"*|*"timed out"*)
      fail uncertain "qsub said: $words" ;;
    *) fail scheduler "qsub refused the job: $words" ;;
  esac
fi
rm -f "$hoist_job/.qsub"
"#
    }

    fn find(&self) -> &'static str {
        r#"
tools qstat SGE_
if list=$(qstat -j "*.${hoist_job##*/}" 2>&1); then
  id=$(printf '%s\n' "$list" | sed -n 's/^job_number: *\([0-9][0-9]*\).*/\1/p' | head -n 1)
else
  case $list in *"do not exist"*) ;; *) fail uncertain "qstat said: $list" ;; esac
fi
"#
    }

    fn query(&self, ids: &[&str]) -> String {
        let list = ids.iter().map(|id| quote(id)).collect::<Vec<_>>().join(" ");
        format!("tools qstat SGE_\nset -- {list}\n{QUERY}")
    }

    fn read(&self, printed: &str) -> HashMap<String, SchedulerState> {
        let mut queued: HashMap<&str, Vec<&str>> = HashMap::new();
        let mut why: HashMap<&str, &str> = HashMap::new();
        let mut states = HashMap::new();
        for (kind, id, rest) in facts(printed) {
            match kind {
                "queued" => queued.entry(id).or_default().push(rest),
                "why" => drop(why.insert(id, rest)),
                "ended" => {
                    if let Some(record) = Record::read(rest) {
                        states.insert(id.to_owned(), record.state());
                    }
                }
                "left" => {
                    let words = "Grid Engine no longer has the job in its queue and no record of it in its accounting (qacct), and it \
                         left no exit marker: somebody deleted it before it began, or its host went down";
                    states.insert(id.to_owned(), ended(Outcome::Vanished, words));
                }
                _ => {}
            }
        }
        for (id, letters) in queued {
            let why = why.get(id).copied().unwrap_or_default();
            states.insert(id.to_owned(), in_queue(id, &letters, why));
        }
        states
    }

    fn patience(&self) -> u32 {
        // Five minutes by default: qacct reads a file that the master writes when it has time.
        10
    }

    fn cancel(&self) -> &'static str {
        r#"
tools qdel SGE_
words=$(qdel "$@" 2>&1) || case $words in
  *"does not exist"*|*"already in deletion"*) ;;
  *) fail scheduler "qdel said: $words" ;;
esac
"#
    }

    fn array(&self) -> Option<Array> {
        Some(Array {
            header: |_, tasks, at_once| {
                let at_once = at_once.map(|most| format!("#$ -tc {most}"));
                let tasks = format!("#$ -t 1-{tasks}");
                [tasks].into_iter().chain(at_once).collect()
            },
            instead_of: None,
            least: 1,
            index: "$SGE_TASK_ID",
            log: "scheduler.$TASK_ID.log",
            submit: None,
            task: |array, index| format!("{array}.{index}"),
            limit: Some(
                "tools qconf SGE_\nqconf -sconf 2>/dev/null | sed -n 's/^max_aj_tasks *//p'\n",
            ),
        })
    }

    fn mends(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("queue", "correct `partition` in the target's resources; `qconf -sql` lists the queues there are"),
            ("parallel environment", "correct `parallel_environment` of the target; `qconf -spl` lists those there are"),
            ("project", "correct `account` in the target's resources; `qconf -sprjl` lists the projects there are"),
            (
                "unknown resource",
                "correct `memory_resource` or `gpu_resource` of the target, or its `extra` lines; `qconf -sc` lists the resources there are",
            ),
        ]
    }

    fn version(&self) -> Option<&'static str> {
        Some("tools qstat SGE_\nqstat -help | head -n 1 && qstat -u \"$(id -un)\" >/dev/null\n")
    }
}

/// What is replaced in the names of folders and files, see qsub(1).
const REPLACED: [&str; 6] = [
    "$HOME", "$USER", "$JOB_ID", "$JOB_NAME", "$HOSTNAME", "$TASK_ID",
];

/// The parallel environment to take, and how the resources that may limit memory or count GPUs are counted: for each slot (YES, NO)
/// or for the whole job (JOB, HOST).
const SURVEY: &str = r#"
tools qconf SGE_
list=$(qconf -spl 2>/dev/null)
case " $(echo $list) " in
  *" smp "*) echo "pe smp" ;;
  *)
    n=0
    for pe in $list; do
      n=$((n+1)); [ $n -le 30 ] || break
      case $(qconf -sp "$pe" 2>/dev/null | sed -n 's/^allocation_rule *//p') in '$pe_slots'*) echo "pe $pe"; break ;; esac
    done ;;
esac
echo "pes" $list
qconf -sc 2>/dev/null | awk '$1 !~ /^#/ && NF >= 8 && tolower($1) ~ /gpu|cuda|mem|rss/ { print "resource", $1, $6 }'
"#;

/// One question for all jobs of the user, and one look through the accounting for those that have left. What waits without a
/// reason of its own is verified: for a few jobs each time, because that is work for the master.
const QUERY: &str = r#"
user=$(id -un)
if ! list=$(qstat -xml -u "$user" 2>&1); then
  printf '%s\n' "$list" >&2
  exit 1
fi
# Waiting tasks are one entry, whose `tasks` is like `4-9:1,12`.
queued=$(printf '%s\n' "$list" | awk -v want=" $* " '
  function tell(name) { if (index(want, " " name " ")) print "queued|" name "|" state }
  /<JB_job_number>/ { id = $0; sub(/.*<JB_job_number>/, "", id); sub(/<.*/, "", id) }
  /<state>/ { state = $0; sub(/.*<state>/, "", state); sub(/<.*/, "", state) }
  /<tasks>/ { tasks = $0; sub(/.*<tasks>/, "", tasks); sub(/<.*/, "", tasks) }
  /<\/job_list>/ {
    if (tasks == "") tell(id)
    parts = split(tasks, part, ",")
    for (n = 1; n <= parts; n++) {
      step = 1
      if (split(part[n], half, ":") > 1) step = half[2]
      if (split(half[1], end, "-") < 2) end[2] = end[1]
      if (step < 1) step = 1
      for (task = end[1] + 0; task <= end[2] + 0; task += step) tell(id "." task)
    }
    id = ""; state = ""; tasks = ""
  }')
printf '%s\n' "$queued"
printf '%s\n' "$queued" | {
  asked=0
  while IFS='|' read -r kind id state; do
    case $state in
      *E*)
        printf 'why|%s|%s\n' "$id" "$(qstat -j "${id%%.*}" 2>/dev/null | sed -n 's/^error reason *[0-9]*: *//p' | head -n 1)" ;;
      qw)
        [ $asked -lt 5 ] || continue
        asked=$((asked+1))
        # Of the tasks of an array the array is asked about.
        words=$(qalter -w v "${id%%.*}" 2>&1)
        case $words in *"no suitable queues"*)
          printf 'why|%s|%s\n' "$id" "$(printf '%s\n' "$words" | sed -n "s/^Job ${id%%.*} //p" | head -n 1)" ;;
        esac ;;
    esac
  done
}
missing=
for id in "$@"; do
  case "$queued" in *"queued|$id|"*) ;; *) missing="$missing $id" ;; esac
done
[ -n "$missing" ] || exit 0
records=$(qacct -o "$user" -j 2>/dev/null | awk -v want="$missing " '
  function value() { sub(/^[^ ]+ */, ""); sub(/ *$/, ""); return $0 }
  function done() {
    if (task != "" && task != "undefined") id = id "." task
    task = ""
    if (id != "" && index(want, " " id " ")) print "ended|" id "|" failed "|" status "|" wall "|" peak "|" slots "|" category
    id = ""
  }
  /^====/ { done(); next }
  $1 == "jobnumber" { id = $2 }
  $1 == "taskid" { task = $2 }
  $1 == "failed" { failed = value() }
  $1 == "exit_status" { status = $2 }
  $1 == "ru_wallclock" { wall = $2 }
  $1 == "maxvmem" { peak = $2 }
  $1 == "slots" { slots = $2 }
  $1 == "category" { category = value() }
  END { done() }')
[ -z "$records" ] || printf '%s\n' "$records"
for id in $missing; do
  case "$records" in *"ended|$id|"*) ;; *) printf 'left|%s\n' "$id" ;; esac
done
exit 0
"#;

/// A name that begins as the lists of ten characters show it and ends in ours.
fn job_name(name: &str, job: &str) -> String {
    let mut name = word(name, 60);
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        name.insert(0, 'j');
    }
    format!("{name}.{job}")
}

/// What the survey found.
#[derive(Clone, Copy)]
struct Site<'a>(&'a str);

impl<'a> Site<'a> {
    fn facts(self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let lines = self.0.lines();
        lines.filter_map(move |line| line.strip_prefix(name)?.strip_prefix(' '))
    }

    fn parallel_environment(self, chosen: Option<&'a str>) -> Result<&'a str, ResourceError> {
        let known = self.facts("pes").next();
        match (chosen, self.facts("pe").next(), known) {
            (Some(chosen), _, _) | (None, Some(chosen), _) => Ok(chosen),
            // Nothing could be learnt.
            (None, None, None) => Ok("smp"),
            (None, None, Some(known)) => Err(ResourceError(format!(
                "several cores cannot be asked for: no parallel environment of Grid Engine keeps a job on one host here; \
                 set `parallel_environment` of the target to one of {known}"
            ))),
        }
    }

    /// Whether a resource is asked for once, not for each slot.
    fn is_of_the_job(self, resource: &str) -> bool {
        self.facts("resource").any(|fact| {
            fact.split_once(' ')
                .is_some_and(|(name, kind)| name == resource && ["JOB", "HOST"].contains(&kind))
        })
    }

    /// The memory of one slot, or of the job where it is counted so.
    fn share(self, resource: &str, memory: Memory, slots: u32) -> String {
        let shares = if self.is_of_the_job(resource) {
            1
        } else {
            u64::from(slots)
        };
        format!("{}M", memory.0.div_ceil(shares).div_ceil(1 << 20))
    }

    fn gpu_resource(self, chosen: Option<&'a str>) -> Result<&'a str, ResourceError> {
        if let Some(chosen) = chosen {
            return Ok(chosen);
        }
        let names = self.facts("resource").filter_map(|fact| {
            let (name, _) = fact.split_once(' ')?;
            let low = name.to_ascii_lowercase();
            (low.contains("gpu") || low.contains("cuda")).then_some(name)
        });
        let names: Vec<&str> = names.collect();
        let usual = ["gpu", "gpus", "ngpus"];
        match usual.into_iter().find(|name| names.contains(name)) {
            Some(name) => Ok(name),
            None if self.0.trim().is_empty() => Ok("gpu"),
            None => Err(ResourceError(format!(
                "gpus cannot be asked for: Grid Engine here has {}; set `gpu_resource` of the target to the one that counts them",
                if names.is_empty() {
                    "no resource that looks like them".to_owned()
                } else {
                    format!("the resources {}", names.join(", "))
                }
            ))),
        }
    }

    fn gpus(self, resource: &str, gpus: u32, slots: u32) -> Result<u32, ResourceError> {
        if slots <= 1 || self.is_of_the_job(resource) {
            return Ok(gpus);
        }
        if gpus.is_multiple_of(slots) {
            return Ok(gpus / slots);
        }
        Err(ResourceError(format!(
            "gpus = {gpus} cannot be asked for with {slots} slots: Grid Engine here counts `{resource}` for each slot; \
             ask for as many GPUs as cores, or for fewer cores"
        )))
    }
}

/// The states of a job's tasks, as letters of qstat(1), in our words.
fn in_queue(id: &str, tasks: &[&str], why: &str) -> SchedulerState {
    let any = |letters: &str| tasks.iter().any(|state| state.contains(|c| letters.contains(c)));
    let pending = |reason: String| SchedulerState::Pending { reason };
    if any("E") {
        let why = why.split_once("error: ").map_or(why, |(_, words)| words);
        let why = if why.is_empty() {
            format!("`qstat -j {id}` says why")
        } else {
            why.to_owned()
        };
        return pending(format!(
            "Grid Engine could not start it and holds it (Eqw): {why}; mend that and run `qmod -cj {id}` there, or cancel it"
        ));
    }
    // A task that waits has a `q`, also when it was put back (`Rq`).
    if tasks.iter().any(|state| !state.contains('q') && state.contains(|c| "rtsSTRd".contains(c))) {
        return SchedulerState::Running;
    }
    if any("h") {
        return pending(format!(
            "it is held, or waits for another job (hqw); `qrls {id}` there releases it"
        ));
    }
    if !any("qw") {
        return SchedulerState::Unknown;
    }
    pending(if why.is_empty() {
        "waiting for free slots (qw)".to_owned()
    } else {
        format!("no queue can ever give what it asks for (it {why}); cancel it and ask for less, or for another queue")
    })
}

/// 128 and SIGTERM.
const TOLD: i32 = 143;

/// What the accounting says of a job that has ended.
struct Record<'a> {
    /// The number of accounting(5), 0 when all went well.
    failed: u32,
    /// Its words.
    words: &'a str,
    status: i32,
    wall: Option<f64>,
    /// Bytes.
    peak: Option<f64>,
    slots: f64,
    category: &'a str,
}

impl<'a> Record<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let mut parts = line.splitn(6, '|').map(str::trim);
        let failed = parts.next()?;
        let (number, words) = failed.split_once(':').unwrap_or((failed, ""));
        Some(Self {
            failed: number.trim().parse().ok()?,
            words: words.trim(),
            status: parts.next()?.parse().ok()?,
            wall: parts.next().and_then(amount),
            peak: parts.next().and_then(amount),
            slots: parts.next().and_then(amount).unwrap_or(1.0),
            category: parts.next().unwrap_or_default(),
        })
    }

    /// What was asked for, from `-l a=1,b=2`.
    fn asked(&self, resource: &str) -> Option<f64> {
        let words = self.category.split([' ', ',']);
        amount(words.filter_map(|word| word.split_once('=')).find(|(name, _)| *name == resource)?.1)
    }

    fn state(&self) -> SchedulerState {
        match (self.failed, self.status) {
            (0, 0) => ended(Outcome::Completed, "Grid Engine says the job completed"),
            // What the job script ends with when its runner was told to: `-notify` has a job told before it is killed.
            (0, TOLD) if self.is_out_of_time() => timed_out(self.asked("h_rt")),
            (0, TOLD) => ended(
                Outcome::Cancelled,
                "somebody deleted the job with qdel, or told it to end on its host",
            ),
            (0, status) => ended(
                Outcome::Failed,
                format!("Grid Engine says the job ended with status {status}"),
            ),
            (37, _) => self.limit(),
            (100, _) => ended(
                Outcome::Killed,
                "the job was killed: somebody deleted it with qdel, or its host was short of memory; run it again, with more memory \
                 where that may be why",
            ),
            _ => ended(
                Outcome::NotStarted,
                format!(
                    "Grid Engine could not start the job: it failed {} (code {} in its accounting); run it again, and ask the \
                     administrators if that does not help",
                    self.words, self.failed
                ),
            ),
        }
    }

    fn is_out_of_time(&self) -> bool {
        let limit = self.wall.zip(self.asked("h_rt"));
        limit.is_some_and(|(wall, asked)| wall >= asked)
    }

    /// One number stands for all limits: which it was is seen in what was used.
    fn limit(&self) -> SchedulerState {
        if self.is_out_of_time() {
            return timed_out(self.asked("h_rt"));
        }
        if let (Some(peak), Some(share)) = (self.peak, self.asked("h_vmem"))
            && peak >= share * self.slots * 0.9
        {
            // It is the address space that counts.
            return out_of_memory(Some(peak), Some(share * self.slots));
        }
        ended(
            Outcome::Killed,
            "Grid Engine killed the job at a limit of its queue (time, processor time or memory); ask for more with time=... or \
             memory=..., or for another queue",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Resources, TargetSettings};

    fn header(wanted: &[(&str, &str)], settings: &TargetSettings, found: &str) -> Result<String, String> {
        let mut resources = Resources::default();
        for (key, value) in wanted {
            resources.set(key, value).expect(key);
        }
        let asking = Asking {
            name: "3train; rm -rf ~ \n#",
            job: "01ARZ",
            folder: "/home/ada/.hoist/jobs/01ARZ",
            resources: &resources,
            settings,
            found,
        };
        let lines = GridEngine.header(&asking).map_err(|error| error.to_string())?;
        Ok(lines.join("\n"))
    }

    const FOUND: &str = "pe smp\npes mpi smp\nresource h_vmem YES\nresource gpu JOB\n";

    #[test]
    fn the_header_says_what_was_asked_in_the_words_of_grid_engine() {
        let wanted = [
            ("cores", "4"),
            ("memory", "1.5G"),
            ("time", "1-12"),
            ("gpus", "2"),
            ("queue", "long.q"),
            ("account", "lab"),
            ("extra", "-l ssd=true"),
        ];
        let text = header(&wanted, &TargetSettings::local(), FOUND).unwrap_or_default();
        insta::assert_snapshot!(text);
    }

    #[test]
    fn what_cannot_be_said_is_refused_and_what_is_counted_for_each_slot_is_divided() {
        let settings = TargetSettings::local();
        let says = |wanted: &[(&str, &str)], found: &str| header(wanted, &settings, found).unwrap_or_else(|error| error);
        let eight = [("cores", "8"), ("memory", "10G")];
        assert!(says(&eight, FOUND).contains("-l h_vmem=1280M"));
        assert!(says(&eight, "pe smp\npes smp\nresource h_vmem JOB").contains("-l h_vmem=10240M"));
        assert!(says(&eight, "pe shared\npes mpi shared").contains("-pe shared 8"));
        assert!(says(&eight, "").contains("-pe smp 8"));
        assert!(says(&eight, "pes mpi ompi").ends_with("set `parallel_environment` of the target to one of mpi ompi"));
        assert!(says(&[("nodes", "2")], FOUND).starts_with("nodes = 2 cannot be asked of Grid Engine"));
        let two = [("gpus", "2"), ("cores", "2")];
        assert!(says(&two, "pe smp\nresource ngpus YES").contains("-l ngpus=1"));
        assert!(says(&two, "pe smp\nresource gpu_type NO").contains("has the resources gpu_type; set `gpu_resource`"));
        let one = [("gpus", "1"), ("cores", "2")];
        assert!(says(&one, "pe smp\nresource gpu YES").contains("counts `gpu` for each slot"));
        let own = TargetSettings {
            parallel_environment: Some("mpi".to_owned()),
            memory_resource: Some("m_mem_free".to_owned()),
            gpu_resource: Some("cards".to_owned()),
            ..TargetSettings::local()
        };
        let text = header(&[("tasks", "4"), ("memory", "4G"), ("gpus", "4")], &own, FOUND).unwrap_or_default();
        assert!(text.contains("-pe mpi 4") && text.contains("-l m_mem_free=1024M") && text.contains("-l cards=1"), "{text}");
    }

    #[test]
    fn states_are_read_from_qstat_and_qacct_alike() {
        let states = GridEngine.read(
            "queued|1|qw\nqueued|2|r\nqueued|3|Eqw\nqueued|4|hqw\nqueued|5|dr\nqueued|6|qw\nqueued|7|Rq\nqueued|8|qw\nqueued|8|t\nqueued|9|?\n\
             why|3|11/29/2026 07:07:09 [1001:6024]: error: can't chdir to /gone: No such file or directory\n\
             why|6|(-l h_vmem=900G) cannot run at host \"a\" because it offers only hc:h_vmem=100.000G\n\
             ended|20|0|0|1s|4.590MB|1|NONE\nended|21|0|7|0s|0.000B|1|NONE\n\
             ended|22|37  : qmaster enforced h_rt, h_cpu, or h_vmem limit|137|4s|4.477MB|1|-l h_rt=3\n\
             ended|23|37  : qmaster enforced h_rt, h_cpu, or h_vmem limit|137|2s|842.371MB|2|-l h_rt=60,h_vmem=400M -pe smp 2\n\
             ended|24|37  : qmaster enforced h_rt, h_cpu, or h_vmem limit|137|2s|1MB|1|NONE\n\
             ended|25|100 : assumedly after job|137|4|4.438MB|1|NONE\nended|26|28  : changing into working directory|0|0s|0.000B|1|NONE\n\
             ended|27|0|143|6s|31.941MB|1|NONE\nended|28|0|143|61s|31.941MB|1|-l h_rt=60\n\
             left|30\nnoise\n",
        );
        let mut lines: Vec<String> = states.iter().map(|(id, state)| format!("{id:>2} {state:?}")).collect();
        lines.sort();
        insta::assert_snapshot!(lines.join("\n"));
    }
}
