//! `hoist package`: what would be sent, and the script that would be submitted.

use hoist_jobs::{Plan, RunRequest, plan};

use super::{Done, Failure, PackageArgs, print, source, terminal};

pub(super) fn package(args: &PackageArgs) -> Done {
    let (file, request) = source::request(&args.entry)?;
    let request = RunRequest {
        pack_all: args.all,
        ..request
    };
    let plan = plan(&request).map_err(|error| source::Refused::by_engine(&error, &file))?;
    if let Some(output) = &args.output {
        std::fs::write(output, &plan.package.bytes).map_err(|error| {
            Failure::refused(format!(
                "{}: the package cannot be written ({error})",
                output.display()
            ))
        })?;
        let rows: Vec<Vec<String>> = plan
            .package
            .manifest
            .files
            .iter()
            .map(|file| {
                vec![
                    file.size.to_string(),
                    file.path.to_string(),
                    file.why.clone(),
                ]
            })
            .collect();
        print::say(print::table(&["BYTES", "FILE", "WHY"], &rows).trim_end());
        print::say(&format!(
            "{}: {} bytes, sha256 {}",
            output.display(),
            plan.package.bytes.len(),
            plan.package.sha256
        ));
        told_beside(&plan);
    }
    if args.script {
        return terminal::with_engine(async |engine| {
            let script = engine.script(&plan).await.map_err(Failure::target)?;
            print::line(script.trim_end())?;
            Ok(0)
        });
    }
    Ok(0)
}

/// Says what the job needs that is not in the ZIP.
fn told_beside(plan: &Plan) {
    let manifest = &plan.package.manifest;
    if !manifest.stored.is_empty() {
        let rows: Vec<Vec<String>> = manifest
            .stored
            .iter()
            .map(|file| {
                vec![
                    file.size.to_string(),
                    file.path.to_string(),
                    file.why.clone(),
                ]
            })
            .collect();
        print::say(&format!(
            "not in it, because a run sends them to the store of data files of {} (`--all` puts them in):",
            plan.settings.name
        ));
        print::say(print::table(&["BYTES", "FILE", "WHY"], &rows).trim_end());
    }
    for there in &manifest.there {
        let (path, target) = (&there.path, &plan.settings.name);
        match &there.place {
            Some(place) => print::say(&format!("not in it: {place}, which is {path} on {target}")),
            None => print::say(&format!("not in it: {path} on {target}")),
        }
    }
}
