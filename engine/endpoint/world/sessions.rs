//! The sessions of an endpoint. Those that clients begin play the scenarios of a setting; an agent opens its
//! own with a world that it has prepared, and takes that back at the end.

use super::{Answer, Scene, Session};
use crate::scenario::Folder;
use crate::value::Value;
use crate::workspace::load_folder;
use crate::world::{Clock, World};
use axum::http::StatusCode;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// More are not kept; a client can end those that it has done with.
const SESSIONS_MAX: usize = 10_000;
/// What the clock shows where a scenario has no dated messages.
const START: &str = "2026-02-06T14:30:00Z";

/// The scenarios that clients may set, and the workspace that they share.
pub struct Setting {
    /// The fixtures by scenario, each with the path at which they seem to stand. Other names have none.
    pub fixtures: BTreeMap<String, (String, Arc<Folder>)>,
    pub workspace: Workspace,
    /// What a session plays before a scenario is set.
    pub first: String,
}

/// The files that an agent finds besides the fixtures.
pub enum Workspace {
    Fixed(Folder),
    /// Read anew for each `read`, since other programs write there.
    Disk(PathBuf),
}

impl Setting {
    /// The scene of a scenario, without a user context.
    pub(super) fn scene(&self, name: &str) -> Scene {
        let (path, fixtures) = self.fixtures.get(name).cloned().unwrap_or_else(|| {
            let path = format!("/fixtures/{name}");
            (path, Arc::default())
        });
        let clock = Clock::of_newest_message(&fixtures).or_else(|| Clock::parse(START));
        let clock = clock.unwrap_or(Clock { unix_s: 0 });
        let world = World::new(fixtures, self.workspace.folder(), Default::default(), clock);
        Scene { scenario: name.to_owned(), world: world.with_fixtures_at(&path) }
    }

    pub(super) fn renew_workspace(&self, world: &mut World) {
        if let Workspace::Disk(_) = self.workspace {
            world.set_workspace(self.workspace.folder());
        }
    }
}

impl Workspace {
    /// What can be read; a folder that is gone is empty.
    fn folder(&self) -> Folder {
        match self {
            Workspace::Fixed(folder) => folder.clone(),
            Workspace::Disk(path) => load_folder(path).unwrap_or_default(),
        }
    }
}

/// The sessions by name; the one at the root has none.
#[derive(Default)]
pub struct Sessions {
    setting: Option<Arc<Setting>>,
    sessions: Mutex<HashMap<String, Arc<Mutex<Session>>>>,
}

impl Sessions {
    /// Sessions that begin when they are first asked for.
    pub fn of(setting: Setting) -> Sessions {
        Sessions { setting: Some(Arc::new(setting)), sessions: Mutex::default() }
    }

    /// Opens a session for one scene. Only sessions that were opened exist where there is no setting.
    pub fn open(&self, name: &str, scene: Scene) {
        let session = Arc::new(Mutex::new(Session::new(scene, None)));
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), session);
    }

    /// Ends a session and gives back what it was; later calls find none. A call that is under way is waited
    /// for.
    pub fn take(&self, name: &str) -> Option<Session> {
        let mut session = self.sessions.lock().unwrap_or_else(PoisonError::into_inner).remove(name)?;
        loop {
            match Arc::try_unwrap(session) {
                Ok(session) => return Some(session.into_inner().unwrap_or_else(PoisonError::into_inner)),
                Err(shared) => {
                    drop(shared.lock());
                    session = shared;
                    std::thread::yield_now();
                }
            }
        }
    }

    /// Looks at the world of a session; none where there is no such session.
    pub fn with_world<T>(&self, name: &str, look: impl FnOnce(&World) -> T) -> Option<T> {
        let session = self.sessions.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()?;
        let session = session.lock().unwrap_or_else(PoisonError::into_inner);
        Some(look(session.world()))
    }

    pub(super) fn end(&self, name: &str) -> Answer {
        match self.take(name) {
            Some(_) => Answer::ok(Value::object([("ended", name.into())])),
            None => no_session(name),
        }
    }

    pub(super) fn with(&self, name: &str, act: impl FnOnce(&mut Session) -> Answer) -> Answer {
        match self.session(name) {
            Ok(session) => act(&mut session.lock().unwrap_or_else(PoisonError::into_inner)),
            Err(answer) => answer,
        }
    }

    fn session(&self, name: &str) -> Result<Arc<Mutex<Session>>, Answer> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = sessions.get(name) {
            return Ok(session.clone());
        }
        let Some(setting) = &self.setting else { return Err(no_session(name)) };
        if sessions.len() >= SESSIONS_MAX {
            let detail = "too many sessions; end some with DELETE /s/<session>";
            return Err(Answer::problem(StatusCode::TOO_MANY_REQUESTS, detail));
        }
        let scene = setting.scene(&setting.first);
        let session = Arc::new(Mutex::new(Session::new(scene, Some(setting.clone()))));
        sessions.insert(name.to_owned(), session.clone());
        Ok(session)
    }
}

fn no_session(name: &str) -> Answer {
    Answer::problem(StatusCode::NOT_FOUND, format!("no session {name}"))
}
