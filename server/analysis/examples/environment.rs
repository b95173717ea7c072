//! Measures how long the map of an environment takes: `environment DISTRIBUTIONS` makes a folder with that many installed
//! distributions of thirty files each; `environment --python PYTHON` takes what is there. Printed are the first reading, the best of
//! ten readings, and the best of a hundred looks at an environment that has not changed.
#![allow(clippy::print_stdout)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hoist_analysis::Disk;
use hoist_analysis::environment::{Environment, Environments, Question, Variables};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let first = args.next().unwrap_or_else(|| "300".to_owned());
    let folder = std::env::temp_dir().join(format!("hoist-environment-{}", std::process::id()));
    let python = match first.as_str() {
        "--python" => PathBuf::from(args.next().ok_or("name a Python")?),
        count => make(&folder, count.parse()?)?,
    };
    let question = Question {
        workspace: Path::new("/"),
        folder: Path::new("/"),
        configured: python.to_str(),
    };
    let variables = Variables::here();
    let begun = Instant::now();
    let environment = Environment::read(&Disk, &variables, &question);
    let cold = begun.elapsed();
    let best = |times: u32, mut work: Box<dyn FnMut() + '_>| {
        let measure = |_| {
            let begun = Instant::now();
            work();
            begun.elapsed()
        };
        (0..times).map(measure).min().unwrap_or_default()
    };
    let warm = best(
        10,
        Box::new(|| drop(Environment::read(&Disk, &variables, &question))),
    );
    let environments = Environments::new(variables.clone(), Duration::ZERO);
    environments.get(&Disk, &question);
    let unchanged = best(100, Box::new(|| drop(environments.get(&Disk, &question))));
    println!(
        "{} distributions, {} names: first {cold:.2?}, read {warm:.2?}, unchanged {unchanged:.2?}",
        environment.distributions().len(),
        environment.modules().count()
    );
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    Ok(())
}

fn make(folder: &Path, count: usize) -> std::io::Result<PathBuf> {
    let site = folder.join("lib/python3.11/site-packages");
    std::fs::create_dir_all(folder.join("bin"))?;
    std::fs::write(
        folder.join("pyvenv.cfg"),
        "home = /usr/bin\nversion = 3.11.4\n",
    )?;
    let description = "A line of the description, as long as they are.\n".repeat(200);
    for number in 0..count {
        let name = format!("dist_{number}");
        let info = site.join(format!("{name}-1.{number}.dist-info"));
        std::fs::create_dir_all(&info)?;
        std::fs::create_dir_all(site.join(&name))?;
        let mut record = String::new();
        for file in 0..30 {
            let stem = if file == 0 {
                "__init__".to_owned()
            } else {
                format!("module_{file}")
            };
            let _ = writeln!(
                record,
                "{name}/{stem}.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0"
            );
        }
        std::fs::write(site.join(&name).join("__init__.py"), "")?;
        std::fs::write(info.join("RECORD"), record)?;
        std::fs::write(
            info.join("METADATA"),
            format!(
                "Metadata-Version: 2.1\nName: {name}\nVersion: 1.{number}\nSummary: One of many\n\n{description}"
            ),
        )?;
    }
    Ok(folder.to_path_buf())
}
