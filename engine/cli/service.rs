//! `optimize service`: what makes the system go on with runs by itself, after a logout, a crash or a reboot. It is
//! printed, never installed.

use crate::batch;
use crate::out::{self, Level};
use crate::run::DEFAULT_RUNS;
use crate::runs::find;
use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use packwright::shell::{in_shell, path_in_shell};
use std::path::{Path, PathBuf, absolute};
use std::process::ExitCode;

/// The unit's name, and how to install it.
const INSTALL: &str = "\
# Save this as ~/.config/systemd/user/packwright.service, then:
#   systemctl --user daemon-reload && systemctl --user enable --now packwright
#   loginctl enable-linger        # so that it outlives the logout and starts with the machine
#   journalctl --user -u packwright -f";

#[derive(Args, Debug)]
pub struct ServiceArgs {
    #[command(subcommand)]
    command: ServiceCommand,
}

#[derive(Subcommand, Debug)]
enum ServiceCommand {
    /// Print a systemd unit and a cron line that go on with a run, or with a batch
    Print(PrintArgs),
}

#[derive(Args, Debug)]
struct PrintArgs {
    /// The run to go on with; the newest unfinished one, whenever the service starts, when absent
    run: Option<String>,

    /// A file of `optimize batch` to go on with, instead of a run
    #[arg(long, value_name = "FILE", conflicts_with = "run")]
    batch: Option<PathBuf>,

    /// Where runs are kept
    #[arg(long, default_value = DEFAULT_RUNS, value_name = "FOLDER")]
    runs: PathBuf,

    /// A file with keys and other variables, as NAME=value; `.env` in the current folder when absent
    #[arg(long, value_name = "FILE", default_value = ".env")]
    env_file: PathBuf,

    /// How much the service tells
    #[arg(long, value_enum, value_name = "LEVEL", default_value = "info")]
    log_level: Level,

    /// Only the one of them
    #[arg(long, value_enum, value_name = "FORM")]
    only: Option<Form>,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// A user unit of systemd
    Systemd,
    /// A line for `crontab -e`
    Cron,
}

/// What goes on with a run or a batch, by absolute paths.
struct Service {
    /// What it is for.
    description: &'static str,
    program: PathBuf,
    folder: PathBuf,
    runs: PathBuf,
    env_file: PathBuf,
    words: Vec<String>,
}

/// Runs the command.
pub fn run(args: ServiceArgs) -> anyhow::Result<ExitCode> {
    let ServiceCommand::Print(args) = args.command;
    let service = Service::of(&args)?;
    let (systemd, cron) = (service.systemd_unit(), service.cron_line());
    match args.only {
        Some(Form::Systemd) => out::line(systemd),
        Some(Form::Cron) => out::line(cron),
        None => out::line(format!(
            "{INSTALL}\n\n{systemd}\n\n# Where there is no systemd: `crontab -e`, and this line.\n{cron}"
        )),
    };
    Ok(ExitCode::SUCCESS)
}

impl Service {
    fn of(args: &PrintArgs) -> anyhow::Result<Service> {
        if let Some(id) = &args.run {
            find(&args.runs, Some(id))?;
        }
        let whole = |path: &Path| absolute(path).with_context(|| format!("find {}", path.display()));
        let runs = whole(&args.runs)?;
        let mut words = match &args.batch {
            Some(file) => {
                batch::check(file)?;
                vec!["batch".to_owned(), whole(file)?.display().to_string()]
            }
            None => std::iter::once("resume".to_owned()).chain(args.run.clone()).collect(),
        };
        words.extend(["--runs".to_owned(), runs.display().to_string()]);
        words.extend(["--keep-paused", "--stay", "--log-level", args.log_level.word()].map(str::to_owned));
        Ok(Service {
            description: if args.batch.is_some() { "pass a batch of runs" } else { "go on with a run" },
            program: std::env::current_exe().context("find this program")?,
            folder: std::env::current_dir().context("find the current folder")?,
            env_file: whole(&args.env_file)?,
            runs,
            words,
        })
    }

    /// What ended in order, or was interrupted, is not started again; nor what only a person can mend.
    fn systemd_unit(&self) -> String {
        let path = |path: &Path| path.display().to_string().replace('%', "%%");
        let words = std::iter::once(self.program.display().to_string()).chain(self.words.iter().cloned());
        let command: Vec<String> = words.map(|word| in_unit(&word)).collect();
        [
            "[Unit]".to_owned(),
            format!("Description=Packwright: {}", self.description),
            String::new(),
            "[Service]".to_owned(),
            format!("WorkingDirectory={}", path(&self.folder)),
            format!("EnvironmentFile=-{}", path(&self.env_file)),
            format!("ExecStart={}", command.join(" ")),
            "SuccessExitStatus=4 130".to_owned(),
            "Restart=on-failure".to_owned(),
            "RestartPreventExitStatus=2 3".to_owned(),
            "RestartSec=60".to_owned(),
            "KillMode=mixed".to_owned(),
            "TimeoutStopSec=60".to_owned(),
            String::new(),
            "[Install]".to_owned(),
            "WantedBy=default.target".to_owned(),
        ]
        .join("\n")
    }

    fn cron_line(&self) -> String {
        let shell = |path: &Path| path_in_shell(path);
        let env = shell(&self.env_file);
        let words: Vec<String> = self.words.iter().map(|word| in_shell(word)).collect();
        let line = format!(
            "@reboot cd {} && {{ [ ! -f {env} ] || {{ set -a; . {env}; set +a; }}; }} && exec {} {} --timestamps >> {} 2>&1",
            shell(&self.folder),
            shell(&self.program),
            words.join(" "),
            shell(&self.runs.join("service.log")),
        );
        // A percent sign ends a command in crontabs.
        line.replace('%', "\\%")
    }
}

/// A word of a command as systemd takes it.
fn in_unit(word: &str) -> String {
    let escaped = word.replace('%', "%%").replace('$', "$$").replace('\\', "\\\\").replace('"', "\\\"");
    if escaped.contains(|c: char| c.is_whitespace() || "\"'\\;".contains(c)) {
        format!("\"{escaped}\"")
    } else {
        escaped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_paths_stay_whole() {
        let folder = PathBuf::from("a b%c");
        let words = vec!["resume".to_owned(), "it's".to_owned()];
        let (program, runs) = (folder.join("optimize"), folder.join("runs"));
        let service =
            Service { description: "go on", program, env_file: folder.join("$x"), folder, runs, words };
        let unit = service.systemd_unit();
        assert!(unit.contains("WorkingDirectory=a b%%c\n"), "{unit}");
        assert!(unit.contains("ExecStart=\"a b%%c/optimize\" resume \"it's\"\n"), "{unit}");
        assert!(unit.contains("EnvironmentFile=-a b%%c/$x\n"), "{unit}");
        let cron = service.cron_line();
        assert!(cron.starts_with("@reboot cd 'a b\\%c' && "), "{cron}");
        assert!(cron.contains("exec 'a b\\%c/optimize' resume 'it'\\''s' --timestamps >> "), "{cron}");
    }
}
