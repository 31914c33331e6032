//! The texts of an episode in which patterns are searched. Each is flattened, laid out for matching and scanned
//! at most once, and only when a check needs it.

use super::scorable::{CallObject, Calls, Fields, flatten};
use crate::pattern::{Haystack, Hits, MatchLimit, PatternSet};
use crate::scenario::{Search, Side};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::ops::Range;

/// Where a text stands in an episode.
#[derive(Clone, Copy)]
pub(super) enum Place {
    Response,
    /// One half of a call, by the call's index.
    Call(Side, usize),
}

/// Something about each text of an episode, made when first needed.
pub(super) struct PerText<T> {
    response: OnceCell<T>,
    args: Vec<OnceCell<T>>,
    responses: Vec<OnceCell<T>>,
}

/// The flattened halves of the calls.
pub(super) type Flat<'s> = PerText<Cow<'s, str>>;
/// The texts, laid out for matching.
pub(super) type LaidOut<'s> = PerText<Haystack<'s>>;

/// The texts after a scan, which finds where the patterns of a set can match.
pub(super) struct Scanned<'s> {
    flat: &'s Flat<'s>,
    laid_out: &'s LaidOut<'s>,
    hits: PerText<(&'s PatternSet, Hits<'s, 's>)>,
}

impl<T> PerText<T> {
    pub(super) fn of(fields: &Fields<'_>) -> PerText<T> {
        let calls = match &fields.calls {
            Calls::List(calls) => calls.len(),
            Calls::NotAList(_) => 0,
        };
        let cells = || (0..calls).map(|_| OnceCell::new()).collect();
        PerText { response: OnceCell::new(), args: cells(), responses: cells() }
    }

    fn at(&self, place: Place) -> &OnceCell<T> {
        match place {
            Place::Response => &self.response,
            Place::Call(Side::Args, index) => &self.args[index],
            Place::Call(Side::Response, index) => &self.responses[index],
        }
    }
}

impl<'s> Scanned<'s> {
    pub(super) fn new(fields: &Fields<'_>, flat: &'s Flat<'s>, laid_out: &'s LaidOut<'s>) -> Scanned<'s> {
        Scanned { flat, laid_out, hits: PerText::of(fields) }
    }

    /// The leftmost match in the response.
    pub(super) fn find_in_response(
        &self,
        search: &'s Search,
        response: &'s str,
    ) -> Result<Option<Range<usize>>, Unsearchable<'s>> {
        self.find(search, Place::Response, || response)
    }

    /// The leftmost match in one half of a call.
    pub(super) fn find_in_call(
        &self,
        search: &'s Search,
        side: Side,
        index: usize,
        call: &CallObject<'s>,
    ) -> Result<Option<Range<usize>>, Unsearchable<'s>> {
        let place = Place::Call(side, index);
        let (half, missing) = if side == Side::Args { (call.args, "{}") } else { (call.response, "") };
        self.find(search, place, || self.flat.at(place).get_or_init(|| flatten(half, missing)))
    }

    fn find(
        &self,
        search: &'s Search,
        place: Place,
        text: impl FnOnce() -> &'s str,
    ) -> Result<Option<Range<usize>>, Unsearchable<'s>> {
        let pattern = search.pattern.as_ref().map_err(|defect| Unsearchable::Defect(defect))?;
        let haystack = self.laid_out.at(place).get_or_init(|| Haystack::new(text()));
        if let Some((set, index)) = search.in_set() {
            let (scanned, hits) = self.hits.at(place).get_or_init(|| (set, set.scan(haystack)));
            // Checks of different rubrics may be put together; only those of the first are scanned together.
            if std::ptr::eq(*scanned, set) {
                return Ok(hits.find(index)?);
            }
        }
        Ok(pattern.find(haystack)?)
    }
}

/// Why a search gave no answer.
pub(super) enum Unsearchable<'s> {
    Defect(&'s str),
    MatchLimit,
}

impl From<MatchLimit> for Unsearchable<'_> {
    fn from(_: MatchLimit) -> Self {
        Unsearchable::MatchLimit
    }
}
