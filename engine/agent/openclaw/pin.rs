//! What differs from machine to machine in a gateway's prompt, and what stands in its place: the values of the
//! benchmark's image, so that a model sees the same everywhere.

use crate::agent::openclaw::config::MODEL;
use crate::world::WORKSPACE_PATH;
use std::path::Path;

/// Where the benchmark's image has the package.
const PACKAGE_PATH: &str = "/app";
const RUNTIME_LINE: &str = "\nRuntime: agent=";

/// The places of one gateway.
#[derive(Clone)]
pub(super) struct Pin {
    workspace: String,
    package: String,
}

impl Pin {
    pub fn new(workspace: &Path, package: &Path) -> Pin {
        Pin { workspace: workspace.display().to_string(), package: package.display().to_string() }
    }

    /// The prompt with the image's places and nothing about this machine.
    pub fn prompt(&self, prompt: &str, model: &str) -> String {
        let prompt = prompt.replace(&self.workspace, WORKSPACE_PATH).replace(&self.package, PACKAGE_PATH);
        let Some(start) = prompt.rfind(RUNTIME_LINE).map(|at| at + 1) else { return prompt };
        let end = prompt[start..].find('\n').map_or(prompt.len(), |length| start + length);
        format!("{}{}{}", &prompt[..start], runtime_line(&prompt[start..end], model), &prompt[end..])
    }
}

fn runtime_line(line: &str, model: &str) -> String {
    let parts = line.split(" | ").filter_map(|part| {
        let key = part.split('=').next().unwrap_or_default();
        Some(match key {
            "Runtime: agent" => "Runtime: agent=main".to_owned(),
            "host" => "host=clawbench".to_owned(),
            "os" => "os=Linux".to_owned(),
            // The image's workspace is no repository, and its processes have no shell.
            "repo" | "shell" => return None,
            _ => part.replace(MODEL, model),
        })
    });
    parts.collect::<Vec<_>>().join(" | ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_this_machine_stays() {
        let pin = Pin::new(Path::new("/tmp/x/workspace"), Path::new("/tmp/y/openclaw"));
        let prompt = "in /tmp/x/workspace\nRuntime: agent=nothing\ndocs /tmp/y/openclaw/docs\nRuntime: agent=web | \
                      host=vm | repo=/tmp/x/workspace | os=Linux 6 (x64) | model=engine/model | channel=webchat\nend";
        let expected = "in /workspace\nRuntime: agent=nothing\ndocs /app/docs\nRuntime: agent=main | host=clawbench | \
                        os=Linux | model=a/b | channel=webchat\nend";
        assert_eq!(pin.prompt(prompt, "a/b"), expected);
    }
}
