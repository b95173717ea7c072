//! Tidying up: jobs that ended long ago go, here and on their targets.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hoist_cluster::TargetSettings;

use crate::engine::Engine;
use crate::store::{Record, millis};
use crate::{JobId, StoreError};

/// What is to go.
#[derive(Clone, Copy, Debug)]
pub struct Old {
    /// Jobs that ended longer ago than this.
    pub than: Duration,
    /// The most that those which stay may take on this machine, in bytes: of younger ones those go that ended first.
    pub most: Option<u64>,
    /// Only what is on this machine; the folders on the targets stay.
    pub only_here: bool,
    /// Nothing is removed; it is only told what would be.
    pub dry: bool,
}

/// What went.
#[derive(Clone, Debug, Default)]
pub struct Cleaned {
    /// The jobs, oldest first.
    pub jobs: Vec<JobId>,
    /// Packages that no job needs any more.
    pub packages: usize,
    /// What was freed on this machine, in bytes.
    pub bytes: u64,
    /// Jobs that stay because their folders on the target could not be removed, with why, by target.
    pub kept: BTreeMap<String, (usize, String)>,
}

impl Engine {
    /// Removes what is old. Jobs that are not at their end, or that another process drives, are never touched; of a sweep all
    /// tasks go together. Where a target cannot be reached its jobs stay, so that they can be removed there later.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn clean(&self, old: Old) -> Result<Cleaned, StoreError> {
        let store = self.store();
        let before = millis(SystemTime::now())
            .saturating_sub(u64::try_from(old.than.as_millis()).unwrap_or(u64::MAX));
        let mut cleaned = Cleaned::default();
        // What is at its end, with what is to be removed on the target.
        let mut ended: Vec<Going> = Vec::new();
        let mut sweeps: BTreeMap<JobId, Vec<JobId>> = BTreeMap::new();
        for job in store.list()?.into_iter().rev() {
            let folder = store.folder(job);
            if let Some(sweep) = folder.sweep() {
                sweeps.entry(sweep.sweep).or_default().push(job);
            } else if let Ok(record) = folder.read()
                && record.view.state.is_end()
            {
                ended.push(Going {
                    ended: record.view.ended.unwrap_or(record.view.created),
                    began: vec![record.began()],
                    settings: record.settings,
                    there: vec![job.to_string()],
                    jobs: vec![job],
                    sweep: None,
                });
            }
        }
        for (sweep, jobs) in sweeps {
            let records: Result<Vec<_>, _> =
                jobs.iter().map(|job| store.folder(*job).read()).collect();
            let Ok(records) = records else { continue };
            let is_over = records.iter().all(|record| record.view.state.is_end());
            if let (true, Some(first)) = (is_over, records.first()) {
                let arrays = crate::sweep::arrays_of(store, sweep).into_iter();
                let there = arrays.chain(jobs.iter().copied());
                let ends = records.iter();
                let ends = ends.map(|record| record.view.ended.unwrap_or(record.view.created));
                ended.push(Going {
                    ended: ends.max().unwrap_or_default(),
                    began: records.iter().map(Record::began).collect(),
                    settings: first.settings.clone(),
                    there: there.map(|name| name.to_string()).collect(),
                    jobs,
                    sweep: Some(sweep),
                });
            }
        }
        ended.sort_by_key(|one| one.ended);
        let old_ones = ended.partition_point(|one| one.ended < before);
        let mut younger = ended.split_off(old_ones);
        let mut going = ended;
        if let Some(most) = old.most {
            let size =
                |one: &Going| -> u64 { one.jobs.iter().map(|job| store.size_of(*job)).sum() };
            let all = store.list()?.into_iter();
            let mut total: u64 = all.map(|job| store.size_of(job)).sum();
            total = total.saturating_sub(going.iter().map(size).sum());
            let enough = younger.iter().take_while(|one| {
                let is_too_much = total > most;
                total = total.saturating_sub(size(one));
                is_too_much
            });
            let enough = enough.count();
            going.extend(younger.drain(..enough));
        }
        if !old.only_here && !old.dry {
            // What a job that stays goes on from stays too.
            let all: BTreeSet<JobId> = going.iter().flat_map(|one| one.jobs.clone()).collect();
            let staying = store.list()?.into_iter().filter(|job| !all.contains(job));
            let needed: BTreeSet<JobId> = staying
                .filter_map(|job| Some(store.folder(job).read().ok()?.began()))
                .collect();
            for one in &mut going {
                one.began.retain(|job| !needed.contains(job));
            }
            self.remove_there(&mut going, old.than, &mut cleaned).await;
        }
        for one in going {
            for job in &one.jobs {
                cleaned.bytes += store.size_of(*job);
            }
            if !old.dry {
                // Whoever drives one of them again keeps it.
                let Some(first) = one.jobs.first() else {
                    continue;
                };
                let Ok(Some(_lock)) = store.folder(*first).try_lock() else {
                    continue;
                };
                for job in &one.jobs {
                    store.remove(*job)?;
                }
                if let Some(sweep) = one.sweep {
                    store.remove_sweep(sweep)?;
                }
            }
            cleaned.jobs.extend(one.jobs);
        }
        let gone: BTreeSet<JobId> = cleaned.jobs.iter().copied().collect();
        let mut needed = BTreeSet::new();
        for job in store.list()?.into_iter().filter(|job| !gone.contains(job)) {
            match store.folder(job).read() {
                Ok(record) => {
                    needed.insert(record.package);
                    needed.extend(record.wanted);
                }
                // Nobody knows which package it needs.
                Err(_) => return Ok(cleaned),
            }
        }
        let (packages, bytes) = store.remove_packages(&needed, old.dry)?;
        cleaned.packages = packages;
        cleaned.bytes += bytes;
        Ok(cleaned)
    }

    /// Removes the folders on the targets; where that fails the jobs are taken out of `going`.
    async fn remove_there(&self, going: &mut Vec<Going>, than: Duration, cleaned: &mut Cleaned) {
        let mut names: HashMap<String, There> = HashMap::new();
        for one in going.iter() {
            let known = names.entry(one.key()).or_insert_with(|| There {
                settings: one.settings.clone(),
                jobs: Vec::new(),
                checkpoints: Vec::new(),
            });
            known.jobs.extend(one.there.iter().cloned());
            known
                .checkpoints
                .extend(one.began.iter().map(ToString::to_string));
        }
        for (key, there) in names {
            let There {
                settings,
                jobs: there,
                checkpoints,
            } = there;
            let removed = async {
                let target: Arc<hoist_cluster::Target> = self.target(&settings).await?;
                target.remove_all(&there).await?;
                target.remove_checkpoints(&checkpoints).await?;
                target.remove_packages(than.as_secs() / 86_400).await
            };
            if let Err(error) = removed.await {
                let stays = |one: &Going| one.key() == key;
                let jobs = going
                    .iter()
                    .filter(|one| stays(one))
                    .map(|one| one.jobs.len());
                let known = (jobs.sum(), error.to_string());
                cleaned.kept.insert(settings.name.clone(), known);
                going.retain(|one| !stays(one));
            }
        }
    }
}

/// What is to be removed on one target.
struct There {
    settings: TargetSettings,
    jobs: Vec<String>,
    checkpoints: Vec<String>,
}

/// Jobs that go together: one, or all tasks of a sweep.
struct Going {
    /// When the last of them ended, in milliseconds since 1970 UTC.
    ended: u64,
    settings: TargetSettings,
    /// The names of their folders on the target.
    there: Vec<String>,
    /// The names of the folders of their checkpoints there.
    began: Vec<JobId>,
    jobs: Vec<JobId>,
    sweep: Option<JobId>,
}

impl Going {
    /// The same for all that lie in the same folder of the same target.
    fn key(&self) -> String {
        let TargetSettings {
            name,
            host,
            work_dir,
            ..
        } = &self.settings;
        format!("{name}\n{host:?}\n{work_dir}")
    }
}
