//! Personas: who a validator says the user is, and what day it says it is. Each epoch of the subnet has its own
//! persona, drawn from the epoch's number, so that no pack can be made for one user.
//!
//! Here a run may meet several of them; which one an episode meets depends on its scenario and its repeat alone.

use crate::units::sha256_hex;
use rand_mt::Mt;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;
use std::sync::LazyLock;

/// The first epoch unless the user names another: about the one that began on 2026-02-24.
pub const FIRST_EPOCH: u64 = 1056;
/// The subnet whose epochs these are.
pub const NETUID: u16 = 11;
/// No preamble is longer, in UTF-16 units.
pub const PREAMBLE_UTF16_MAX: u32 = 300;

/// The personas that a run's episodes meet: those of so many epochs in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Personas {
    pub netuid: u16,
    pub first_epoch: u64,
    pub count: NonZeroU32,
}

/// What a validator tells an agent about its user, and of the day.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Persona {
    pub epoch: u64,
    pub name: String,
    pub role: String,
    pub company: String,
    pub department: String,
    /// The name of the time zone, for example `Europe/London`.
    pub timezone: String,
    /// A fixed abbreviation, whatever the date.
    pub timezone_abbr: String,
    /// For example `April 08, 2026`.
    pub date: String,
    pub weekday: String,
}

impl Personas {
    /// The personas of the subnet from an epoch on.
    pub fn from_epoch(first_epoch: u64, count: NonZeroU32) -> Personas {
        Personas { netuid: NETUID, first_epoch, count }
    }

    /// The number of the persona that an episode meets, from 0 on; `place` is its scenario's in the suite.
    ///
    /// Whoever attempts the same scenario under the same repeat meets the same one, so pairs stay pairs. In one
    /// pass the scenarios meet different ones, and in each scenario every repeat meets the next one.
    pub fn number(&self, place: usize, repeat: u32) -> u32 {
        let count = u64::from(self.count.get());
        let number = (place as u64 % count + u64::from(repeat)) % count;
        u32::try_from(number).expect("a remainder is smaller than the count, which is a u32")
    }

    /// The persona that an episode meets.
    pub fn of_episode(&self, place: usize, repeat: u32) -> Persona {
        self.persona(self.number(place, repeat))
    }

    /// The persona of that number.
    pub fn persona(&self, number: u32) -> Persona {
        Persona::of_epoch(self.netuid, self.first_epoch.saturating_add(u64::from(number)))
    }
}

impl Persona {
    /// The persona that validators of a subnet use in an epoch.
    pub fn of_epoch(netuid: u16, epoch: u64) -> Persona {
        let mut draws = Draws(Mt::new_with_key([epoch_seed(netuid, epoch)]));
        let day = draws.below(DAYS);
        let (timezone, timezone_abbr) = draws.one_of(&POOLS.timezones).clone();
        let name = draws.one_of(&POOLS.names).clone();
        let role = draws.one_of(&POOLS.roles).clone();
        let company = draws.one_of(&POOLS.companies).clone();
        let department = draws.one_of(&POOLS.departments).clone();
        let weekday = WEEKDAYS[day % WEEKDAYS.len()].to_owned();
        let date = date_text(day);
        Persona { epoch, name, role, company, department, timezone, timezone_abbr, date, weekday }
    }

    pub fn first_name(&self) -> &str {
        self.name.split_whitespace().next().unwrap_or_default()
    }

    /// What stands before the pack's `AGENTS.md`, to the byte. It is no part of the pack.
    pub fn preamble(&self) -> String {
        let Persona { name, role, company, department, timezone, timezone_abbr, date, weekday, .. } = self;
        format!(
            "<!-- Epoch Evaluation Context — generated per epoch, do not hardcode -->\n\
             > **Date**: {weekday}, {date}  \n\
             > **Your Name**: {name}  \n\
             > **Role**: {role} at {company}  \n\
             > **Department**: {department}  \n\
             > **Timezone**: {timezone} ({timezone_abbr})\n\n---\n\n"
        )
    }

    /// The values for `{{KEY}}` in Markdown files, which lie over the scenario's own.
    pub fn user_context(&self) -> [(&'static str, &str); 4] {
        [
            ("USER_NAME", &self.name),
            ("USER_FIRST_NAME", self.first_name()),
            ("USER_ROLE", &self.role),
            ("COMPANY", &self.company),
        ]
    }
}

/// The full names of all personas that there can be.
pub fn names() -> &'static [String] {
    &POOLS.names
}

/// The companies of all personas that there can be.
pub fn companies() -> &'static [String] {
    &POOLS.companies
}

/// The seed from which an epoch's persona is drawn.
pub fn epoch_seed(netuid: u16, epoch: u64) -> u32 {
    let digest = sha256_hex(format!("trajectoryrl-{netuid}-epoch-{epoch}").as_bytes());
    u32::from_str_radix(&digest[..8], 16).expect("a digest is written in hexadecimal digits")
}

/// The draws of Python's `random.Random(seed)`.
struct Draws(Mt);

impl Draws {
    /// A number below `n`: as many top bits of each word as `n` has, until they are small enough.
    fn below(&mut self, n: usize) -> usize {
        let bits = n.checked_ilog2().map_or(1, |log| log + 1);
        loop {
            let drawn = (self.0.next_u32() >> (u32::BITS - bits)) as usize;
            if drawn < n {
                return drawn;
            }
        }
    }

    fn one_of<'a, T>(&mut self, pool: &'a [T]) -> &'a T {
        &pool[self.below(pool.len())]
    }
}

/// What personas are drawn from, in the order on which the draws depend.
#[derive(Deserialize)]
struct Pools {
    names: Vec<String>,
    roles: Vec<String>,
    companies: Vec<String>,
    departments: Vec<String>,
    timezones: Vec<(String, String)>,
}

static POOLS: LazyLock<Pools> = LazyLock::new(|| {
    serde_json::from_str(include_str!("persona/epoch_pools.json"))
        .expect("the pools are part of the program and were tested")
});

/// Dates lie in 2026, which is no leap year.
const DAYS: usize = 365;
/// From the first of January 2026 on.
const WEEKDAYS: [&str; 7] = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];
const MONTHS: [(&str, usize); 12] = [
    ("January", 31),
    ("February", 28),
    ("March", 31),
    ("April", 30),
    ("May", 31),
    ("June", 30),
    ("July", 31),
    ("August", 31),
    ("September", 30),
    ("October", 31),
    ("November", 30),
    ("December", 31),
];

/// The date so many days after the first of January 2026.
fn date_text(mut day: usize) -> String {
    let mut month = 0;
    while day >= MONTHS[month].1 {
        day -= MONTHS[month].1;
        month += 1;
    }
    format!("{} {:02}, 2026", MONTHS[month].0, day + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn personas(count: u32) -> Personas {
        Personas::from_epoch(FIRST_EPOCH, NonZeroU32::new(count).unwrap())
    }

    #[test]
    fn days_have_their_dates() {
        let check = |day: usize, weekday: &str, expected: &str| {
            assert_eq!((WEEKDAYS[day % 7], date_text(day).as_str()), (weekday, expected));
        };
        check(0, "Thursday", "January 01, 2026");
        check(58, "Saturday", "February 28, 2026");
        check(59, "Sunday", "March 01, 2026");
        check(364, "Thursday", "December 31, 2026");
    }

    #[test]
    fn a_pass_over_the_suite_and_the_repeats_of_a_scenario_meet_all() {
        for count in [1, 3, 5] {
            let numbers = |of: &dyn Fn(u32) -> u32| (0..count).map(of).collect::<BTreeSet<_>>().len();
            assert_eq!(numbers(&|place| personas(count).number(place as usize, 4)), count as usize);
            assert_eq!(numbers(&|repeat| personas(count).number(7, repeat)), count as usize);
        }
        assert!(personas(7).number(usize::MAX, u32::MAX) < 7);
    }

    #[test]
    fn no_preamble_is_longer_than_is_reckoned_with() {
        let length = |epoch| Persona::of_epoch(NETUID, epoch).preamble().encode_utf16().count();
        let longest = (0..20_000).map(length).max().unwrap();
        assert!(longest <= PREAMBLE_UTF16_MAX as usize && longest > 280, "{longest}");
    }

    #[test]
    fn epochs_differ_and_the_last_one_has_a_persona_too() {
        let names: BTreeSet<String> = (0..5).map(|number| personas(5).persona(number).name).collect();
        assert_eq!(names.len(), 5, "the default personas have different names");
        assert_ne!(Persona::of_epoch(11, 7), Persona::of_epoch(12, 7));
        assert_eq!(Personas { first_epoch: u64::MAX, ..personas(2) }.persona(1).epoch, u64::MAX);
    }
}
