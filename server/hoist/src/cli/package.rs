//! `hoist package`: what would be sent, and the script that would be submitted.

use hoist_jobs::plan;

use super::{Done, Failure, PackageArgs, print, source, terminal};

pub(super) fn package(args: &PackageArgs) -> Done {
    let (file, request) = source::request(&args.entry)?;
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
