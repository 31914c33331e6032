//! Everything a gateway is started with: its folder, its configuration and its plugin.

use crate::agent::builtin::Limits;
use crate::agent::held::HeldFolder;
use crate::agent::openclaw::Installed;
use crate::agent::prompt::PromptProfile;
use crate::value::Value;
use serde_json::json;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The model as the gateway knows it; which one it really is, only the proxy knows.
pub(super) const MODEL: &str = "engine/model";
/// How much earlier than the benchmark's client the gateway gives up, so that no run outlives its episode.
const MARGIN_S: u64 = 10;
const WORK_PREFIX: &str = "packwright-gateways-";
const PLUGIN: &str = "clawbench-tools";
/// As the benchmark's runtime has it, so that nothing is ever compacted.
const CONTEXT_TOKENS: u32 = 200_000;
const OUTPUT_TOKENS_MAX: u32 = 8_192;
/// What a gateway does besides: channels, schedules, pages, browsers, announcements.
const SWITCHES: [&str; 5] = [
    "OPENCLAW_SKIP_CHANNELS",
    "OPENCLAW_SKIP_CRON",
    "OPENCLAW_SKIP_CANVAS_HOST",
    "OPENCLAW_SKIP_BROWSER_CONTROL_SERVER",
    "OPENCLAW_DISABLE_BONJOUR",
];
const EMBEDDED: [(&str, &str); 4] = [
    ("preload.mjs", include_str!("embedded/preload.mjs")),
    ("plugin.mjs", include_str!("embedded/plugin.mjs")),
    ("openclaw.plugin.json", include_str!("embedded/openclaw.plugin.json")),
    ("package.json", include_str!("embedded/package.json")),
];

/// One gateway to be started.
pub(super) struct Plan {
    pub folder: PathBuf,
    pub number: u64,
    /// Where the proxy answers in the model's place, and the key that it asks for.
    pub model_url: String,
    pub model_key: String,
    pub world_url: String,
    pub limits: Limits,
}

/// When a gateway gives a run up, under the limits of an episode.
pub(super) fn gateway_limit(limits: &Limits) -> Duration {
    Duration::from_secs((limits.episode_ms_max / 1000).saturating_sub(MARGIN_S).max(1))
}

impl Plan {
    pub fn workspace(&self) -> PathBuf {
        self.folder.join("workspace")
    }

    pub fn log(&self) -> PathBuf {
        self.folder.join("gateway.log")
    }

    /// Writes the folder and returns the environment of the process: nothing of ours is handed on.
    pub fn write(
        &self,
        installed: &Installed,
        prompt: &PromptProfile,
        port: u16,
        token: &str,
    ) -> io::Result<Vec<(&'static str, String)>> {
        for part in ["workspace", "state", "home", "tmp", "plugin"] {
            std::fs::create_dir_all(self.folder.join(part))?;
        }
        let plugin = self.folder.join("plugin");
        for (name, text) in EMBEDDED {
            std::fs::write(plugin.join(name), text)?;
        }
        std::fs::write(plugin.join("tools.json"), tools(prompt))?;
        let config = self.folder.join("state").join("openclaw.json");
        std::fs::write(&config, self.config(prompt, port, token).to_string())?;
        let node_folder = installed.node.parent().unwrap_or(Path::new(""));
        let inside = |name: &str| self.folder.join(name).display().to_string();
        let mut environment = vec![
            // `curl` on the path makes the same skills available as in the benchmark's image.
            ("PATH", format!("{}:/usr/bin:/bin", node_folder.display())),
            ("HOME", inside("home")),
            ("TMPDIR", inside("tmp")),
            ("LANG", "C.UTF-8".to_owned()),
            ("TZ", "UTC".to_owned()),
            ("OPENCLAW_STATE_DIR", inside("state")),
            ("OPENCLAW_CONFIG_PATH", config.display().to_string()),
            ("OPENCLAW_GATEWAY_TOKEN", token.to_owned()),
            ("NODE_COMPILE_CACHE", installed.compile_cache().display().to_string()),
            ("NODE_OPTIONS", format!("--import={}", plugin.join("preload.mjs").display())),
            ("PACKWRIGHT_WATCH_STDIN", "1".to_owned()),
        ];
        environment.extend(SWITCHES.map(|switch| (switch, "1".to_owned())));
        Ok(environment)
    }

    fn config(&self, prompt: &PromptProfile, port: u16, token: &str) -> serde_json::Value {
        let workspace = self.workspace().display().to_string();
        let names: Vec<&str> = prompt.tools.iter().map(|tool| tool.name.as_str()).collect();
        json!({
            "gateway": {
                "mode": "local",
                "bind": "loopback",
                "port": port,
                "auth": {"mode": "token", "token": token},
                "tailscale": {"mode": "off"},
                "http": {"endpoints": {"chatCompletions": {"enabled": true}}},
            },
            "models": {"providers": {"engine": {
                "baseUrl": self.model_url,
                "api": "openai-completions",
                "apiKey": self.model_key,
                "models": [{
                    "id": "model",
                    "name": "model",
                    "contextWindow": CONTEXT_TOKENS,
                    "maxTokens": OUTPUT_TOKENS_MAX,
                    "reasoning": false,
                    "input": ["text"],
                    "cost": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0},
                }],
            }}},
            "agents": {
                "defaults": {
                    "workspace": workspace,
                    "model": {"primary": MODEL},
                    "timeoutSeconds": gateway_limit(&self.limits).as_secs(),
                    "thinkingDefault": "off",
                    "userTimezone": prompt.timezone,
                    "bootstrapMaxChars": self.limits.file_utf16_max,
                    "bootstrapTotalMaxChars": self.limits.total_utf16_max,
                    "heartbeat": {"every": "0m"},
                },
            },
            "plugins": {
                "allow": [PLUGIN],
                "load": {"paths": [self.folder.join("plugin")]},
                "slots": {"memory": "none"},
                "entries": {(PLUGIN): {"enabled": true, "config": {"mockServerUrl": self.world_url}}},
            },
            // The hook has taken the gateway's own `exec` away; this would deny it all the same.
            "tools": {
                "allow": names,
                "web": {"search": {"enabled": false}, "fetch": {"enabled": false}},
                "exec": {"security": "deny"},
            },
            "skills": {"allowBundled": ["healthcheck", "skill-creator", "weather"]},
            "update": {"checkOnStart": false},
            "logging": {"file": self.folder.join("openclaw.log")},
            "channels": {},
        })
    }
}

/// The plugin's tools: all but the one that the gateway answers itself.
fn tools(prompt: &PromptProfile) -> String {
    let tools = prompt.tools.iter().filter(|tool| tool.name != crate::agent::builtin::SESSION_STATUS);
    let tools = tools.map(|tool| {
        Value::object([
            ("name", tool.name.as_str().into()),
            ("description", tool.description.as_str().into()),
            ("parameters", tool.parameters.clone()),
            ("optional", prompt.optional_tools.contains(&tool.name).into()),
        ])
    });
    Value::List(tools.collect()).compact()
}

/// A folder for the gateways of one agent.
pub(super) fn work_folder() -> io::Result<HeldFolder> {
    HeldFolder::new(&std::env::temp_dir(), WORK_PREFIX)
}
