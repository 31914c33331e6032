//! The types of checks: their names in rubrics, and the keys that each has.

/// What a check looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CheckKind {
    ToolCalled,
    ToolNotCalled,
    ToolArgContains,
    ToolArgExcludes,
    ToolResponseContains,
    ToolResponseExcludes,
    ToolCountMax,
    ToolCountMin,
    ToolCountScore,
    ToolCalledBefore,
    ResponseContains,
    ResponseExcludes,
    ResponseLengthMax,
    /// A type that nobody knows: such a check never passes.
    Unknown,
}

impl CheckKind {
    /// All kinds that have a name.
    pub const KNOWN: [CheckKind; 13] = [
        CheckKind::ToolCalled,
        CheckKind::ToolNotCalled,
        CheckKind::ToolArgContains,
        CheckKind::ToolArgExcludes,
        CheckKind::ToolResponseContains,
        CheckKind::ToolResponseExcludes,
        CheckKind::ToolCountMax,
        CheckKind::ToolCountMin,
        CheckKind::ToolCountScore,
        CheckKind::ToolCalledBefore,
        CheckKind::ResponseContains,
        CheckKind::ResponseExcludes,
        CheckKind::ResponseLengthMax,
    ];

    /// The kind that a rubric calls by this name.
    pub fn named(name: &str) -> CheckKind {
        let known = CheckKind::KNOWN.into_iter().find(|kind| kind.name() == Some(name));
        known.unwrap_or(CheckKind::Unknown)
    }

    /// The name in rubrics; none for an unknown kind.
    pub fn name(self) -> Option<&'static str> {
        Some(match self {
            CheckKind::ToolCalled => "tool_called",
            CheckKind::ToolNotCalled => "tool_not_called",
            CheckKind::ToolArgContains => "tool_arg_contains",
            CheckKind::ToolArgExcludes => "tool_arg_excludes",
            CheckKind::ToolResponseContains => "tool_response_contains",
            CheckKind::ToolResponseExcludes => "tool_response_excludes",
            CheckKind::ToolCountMax => "tool_count_max",
            CheckKind::ToolCountMin => "tool_count_min",
            CheckKind::ToolCountScore => "tool_count_score",
            CheckKind::ToolCalledBefore => "tool_called_before",
            CheckKind::ResponseContains => "response_contains",
            CheckKind::ResponseExcludes => "response_excludes",
            CheckKind::ResponseLengthMax => "response_length_max",
            CheckKind::Unknown => return None,
        })
    }

    /// The names in rubrics.
    pub fn names() -> impl Iterator<Item = &'static str> {
        CheckKind::KNOWN.into_iter().filter_map(CheckKind::name)
    }

    /// The keys that a check of this kind must have beside those that every check has.
    pub(crate) fn required_keys(self) -> &'static [&'static str] {
        match self {
            CheckKind::ToolArgContains
            | CheckKind::ToolArgExcludes
            | CheckKind::ToolResponseContains
            | CheckKind::ToolResponseExcludes
            | CheckKind::ResponseContains
            | CheckKind::ResponseExcludes => &["pattern"],
            CheckKind::ToolCountMax | CheckKind::ResponseLengthMax => &["max"],
            CheckKind::ToolCountMin => &["min"],
            CheckKind::ToolCountScore => &["min", "max"],
            CheckKind::ToolCalledBefore => &["before", "after"],
            CheckKind::ToolCalled | CheckKind::ToolNotCalled | CheckKind::Unknown => &[],
        }
    }

    /// The keys that a check of this kind may have besides.
    pub(crate) fn optional_keys(self) -> &'static [&'static str] {
        match self {
            CheckKind::ToolCalled | CheckKind::ToolNotCalled => &["tool", "tools"],
            CheckKind::ToolArgContains
            | CheckKind::ToolArgExcludes
            | CheckKind::ToolResponseContains
            | CheckKind::ToolResponseExcludes => &["tool", "case_insensitive"],
            CheckKind::ToolCountMax | CheckKind::ToolCountMin | CheckKind::ToolCountScore => &["tool"],
            CheckKind::ResponseContains | CheckKind::ResponseExcludes => &["case_insensitive"],
            CheckKind::ToolCalledBefore | CheckKind::ResponseLengthMax | CheckKind::Unknown => &[],
        }
    }
}
