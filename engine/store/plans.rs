//! Records by their plans: which of them a run that was cut off has told its search, and in which phase each was
//! made.

use super::Record;
use crate::event::{Event, Phase};
use std::collections::BTreeMap;

/// The records up to the first plan of which a step is open: a run under way tells no others.
pub fn whole_plans(records: &[Record]) -> &[Record] {
    let mut end = 0;
    let mut index = 0;
    while let Some(record) = records.get(index).filter(|record| record.ordinal as usize == index) {
        let steps = match &record.event {
            Event::Planned(planned) => planned.steps.len(),
            _ => 0,
        };
        let last = index + steps;
        if records.get(last).is_none_or(|record| record.ordinal as usize != last) {
            break;
        }
        index = last + 1;
        end = index;
    }
    &records[..end]
}

/// The phases of the plans, by the ordinals of what their steps led to.
pub fn phases(records: &[Record]) -> BTreeMap<u32, Phase> {
    let plans = records.iter().filter_map(|record| match &record.event {
        Event::Planned(planned) => Some((record.ordinal, planned)),
        _ => None,
    });
    let steps = plans.flat_map(|(ordinal, planned)| {
        (ordinal + 1..).zip(&planned.steps).map(|(ordinal, _)| (ordinal, planned.phase))
    });
    steps.collect()
}
