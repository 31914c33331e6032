//! `optimize serve`: all runs in a browser and over HTTP, and new ones.

use crate::exit::BadInput;
use crate::out;
use crate::run::{DEFAULT_RUNS, RunArgs};
use crate::signals::asked_to_stop;
use anyhow::Context;
use clap::{Args, Parser};
use packwright::endpoint::Access;
use packwright::serve::{ServeOptions, Server};
use secrecy::SecretString;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

const TOKEN_VARIABLE: &str = "PACKWRIGHT_SERVE_TOKEN";
/// What is still being read from disk is not waited for any longer.
const PATIENCE: Duration = Duration::from_millis(500);
/// What the server itself says of a run.
const NOT_GIVEN: [&str; 7] =
    ["--resume", "--runs", "--json", "--detach", "--background", "--log-level", "--timestamps"];

#[derive(Args, Debug)]
#[command(after_long_help = "\
A run that is started from the page may use the built-in suite, or suites and packs in the folder where the
server was started; it asks the providers' own addresses, and pushes nowhere. What reaches further is said
here, behind `--`, and holds for every run from the page.

Examples:
  optimize serve
      http://127.0.0.1:8484/, for this machine alone
  optimize serve -- --base-url http://127.0.0.1:8080/v1 --max-usd 20
      runs from the page ask your own server, and none spends more
  ssh -L 8484:localhost:8484 tower
      then http://localhost:8484/ on the laptop shows the server on `tower`
  PACKWRIGHT_SERVE_TOKEN=$(openssl rand -hex 16) optimize serve --host 10.0.0.7
      for other machines; browsers ask for the token once, programs send `Authorization: Bearer <token>`")]
pub struct ServeArgs {
    /// Where runs are kept
    #[arg(long, default_value = DEFAULT_RUNS, value_name = "FOLDER")]
    runs: PathBuf,

    /// The port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 8484)]
    port: u16,

    /// The address to listen on. Any other than this machine's own asks for a token of at least 16 characters, in
    /// PACKWRIGHT_SERVE_TOKEN or --token-file
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,

    /// A file with the token, in place of PACKWRIGHT_SERVE_TOKEN
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,

    /// A further name under which browsers reach the server, such as `tower` or `localhost:9000`: by a tunnel, a proxy,
    /// or a name of this machine. Requests under any other name are refused
    #[arg(long, value_name = "NAME[:PORT]")]
    allow_host: Vec<String>,

    /// Only show runs: nothing can be begun or changed
    #[arg(long)]
    read_only: bool,

    /// Let runs from the page push their winners where the pack repository has a remote
    #[arg(long)]
    allow_push: bool,

    /// Requests per second that each peer may make, and four times as many at once
    #[arg(long, default_value_t = NonZeroU32::new(50).expect("not zero"), value_name = "N", hide_short_help = true)]
    rate: NonZeroU32,

    /// Options of every run that is started from the page, as `optimize --help` has them
    #[arg(last = true, value_name = "OPTIONS")]
    given: Vec<String>,
}

/// The options behind `--`, read as the command line of a run.
#[derive(Parser)]
#[command(no_binary_name = true, name = "optimize serve --")]
struct Given {
    #[command(flatten)]
    _run: RunArgs,
}

/// Runs the command until it is interrupted.
pub fn run(args: ServeArgs) -> anyhow::Result<ExitCode> {
    check_given(&args.given)?;
    if args.host.is_unspecified() && args.allow_host.is_empty() {
        let problem = format!(
            "{} is no name that a browser could ask for: name the one it will use with --allow-host NAME, or listen on that \
             address itself with --host ADDRESS",
            args.host
        );
        return Err(BadInput(problem).into());
    }
    let token = token(&args)?;
    let access = Access::new(args.host, token).map_err(|problem| {
        BadInput(format!(
            "{problem}; set {TOKEN_VARIABLE} in the environment, or name a file with --token-file"
        ))
    })?;
    let options = ServeOptions {
        runs: args.runs.clone(),
        program: std::env::current_exe().context("find this program")?,
        host: args.host,
        port: args.port,
        access,
        names: args.allow_host.clone(),
        is_read_only: args.read_only,
        may_push: args.allow_push,
        given: args.given.clone(),
        requests_per_second: args.rate,
        secret_variables: vec![TOKEN_VARIABLE.to_owned()],
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(async {
        // Heard before anybody is told that the server is there.
        let stopped = asked_to_stop().context("listen to signals")?;
        let server = Server::bind(options).await.map_err(|error| explained(error, &args))?;
        out::line(server.url()?);
        tell(&args);
        tokio::select! {
            served = server.run() => served,
            () = stopped => Ok(()),
        }
    });
    // Open streams would never end by themselves.
    runtime.shutdown_timeout(PATIENCE);
    served?;
    out::note("the server has ended; runs that go on in the background are not touched");
    Ok(ExitCode::SUCCESS)
}

fn tell(args: &ServeArgs) {
    let runs = args.runs.display();
    let what = if args.read_only { "shows" } else { "shows and starts" };
    out::note(format_args!("{what} the runs in {runs}; stop the server with Ctrl-C, runs go on without it"));
    if !args.runs.is_dir() {
        out::note(format_args!("there is no folder {runs} yet; the first run makes it"));
    }
    if !args.host.is_loopback() {
        out::note(
            "warning: HTTP is not encrypted; where others share the network, use a tunnel (ssh -L) or a proxy with TLS",
        );
    }
}

/// The token: from the file, or from the environment.
fn token(args: &ServeArgs) -> anyhow::Result<Option<SecretString>> {
    let text = match &args.token_file {
        Some(path) => {
            let text = std::fs::read_to_string(path);
            Some(text.map_err(|error| {
                BadInput(format!("the token file {} cannot be read: {error}", path.display()))
            })?)
        }
        None => std::env::var(TOKEN_VARIABLE).ok(),
    };
    let token = text.map(|text| text.trim().to_owned()).filter(|token| !token.is_empty());
    match (&token, &args.token_file) {
        (None, Some(path)) => Err(BadInput(format!("the token file {} is empty", path.display())).into()),
        _ => Ok(token.map(SecretString::from)),
    }
}

/// Says what is wrong with the options of every run now, and not when somebody starts one.
fn check_given(given: &[String]) -> anyhow::Result<()> {
    let name = |word: &String| word.split('=').next().unwrap_or_default().to_owned();
    if let Some(word) = given.iter().map(name).find(|name| NOT_GIVEN.contains(&name.as_str())) {
        return Err(BadInput(format!(
            "{word} stands behind `--`, and says nothing that holds for every run"
        ))
        .into());
    }
    if let Err(error) = Given::try_parse_from(given) {
        let words: Vec<String> =
            error.to_string().lines().take_while(|line| !line.trim().is_empty()).map(str::to_owned).collect();
        let words = words.join(" ");
        return Err(BadInput(format!("behind `--`: {}", words.trim_start_matches("error: "))).into());
    }
    Ok(())
}

fn explained(error: anyhow::Error, args: &ServeArgs) -> anyhow::Error {
    let (port, host) = (args.port, args.host);
    let kind =
        error.chain().find_map(|cause| cause.downcast_ref::<std::io::Error>()).map(std::io::Error::kind);
    match kind {
        Some(ErrorKind::AddrInUse) => BadInput(format!(
            "port {port} of {host} is in use, perhaps by another `optimize serve`; --port takes another one, and --port 0 a \
             free one"
        ))
        .into(),
        Some(ErrorKind::AddrNotAvailable) => BadInput(format!("this machine has no address {host}")).into(),
        Some(ErrorKind::PermissionDenied) => {
            BadInput(format!("port {port} may not be used without rights of the administrator; --port takes another one")).into()
        }
        _ => error,
    }
}
