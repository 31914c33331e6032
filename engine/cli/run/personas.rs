//! The options by which a run meets other personas than its profile says.

use crate::exit::BadInput;
use clap::Args;
use packwright::persona::{FIRST_EPOCH, Personas};
use packwright::score::Profile;
use std::num::NonZeroU32;

/// More would only make runs that no two episodes of share one.
const PERSONAS_MAX: i64 = 1000;

#[derive(Args, Debug, Clone)]
pub struct PersonaArgs {
    /// How many of the subnet's personas the agent works for in turn, each with its own name, company and date
    /// told before the policy, as validators do; 0 leaves each scenario its own user. What the profile says
    /// when absent
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=PERSONAS_MAX))]
    personas: Option<u32>,

    /// The epoch whose persona is the first; those of the next epochs follow. 1056, of 2026-02-24, unless the
    /// profile says otherwise
    #[arg(long, value_name = "EPOCH")]
    epoch: Option<u64>,
}

impl PersonaArgs {
    /// The profile with the personas that the user asks for.
    pub fn apply(&self, mut profile: Profile) -> Result<Profile, BadInput> {
        let asked = self.personas.map(NonZeroU32::new);
        if let Some(count) = asked {
            let first_epoch = profile.personas.map_or(FIRST_EPOCH, |personas| personas.first_epoch);
            profile.personas = count.map(|count| Personas::from_epoch(first_epoch, count));
        }
        if let Some(epoch) = self.epoch {
            let Some(personas) = &mut profile.personas else {
                let problem = format!(
                    "--epoch {epoch} says which personas the agent works for, and there are none: add --personas 5, \
                     or --profile subnet-2026-02-24"
                );
                return Err(BadInput(problem));
            };
            personas.first_epoch = epoch;
        }
        Ok(profile)
    }
}

/// For people: whom the agent works for; none where each scenario has its own user.
pub fn notice(profile: &Profile) -> Option<String> {
    let personas = profile.personas?;
    let last = personas.count.get() - 1;
    let named = |number| {
        let persona = personas.persona(number);
        format!("{} ({}, epoch {})", persona.name, persona.company, persona.epoch)
    };
    let others = match last {
        0 => String::new(),
        1 => format!(" and {}", named(1)),
        _ => format!(" … {}", named(last)),
    };
    Some(format!("personas: {}, from {}{others}, told before the policy", last + 1, named(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(profile: Profile, personas: Option<u32>, epoch: Option<u64>) -> Option<(u64, u32)> {
        let profile = PersonaArgs { personas, epoch }.apply(profile).unwrap();
        profile.personas.map(|personas| (personas.first_epoch, personas.count.get()))
    }

    #[test]
    fn options_lie_over_the_profile() {
        let check = |personas, epoch, usual, subnet| {
            assert_eq!(applied(Profile::default(), personas, epoch), usual, "{personas:?} {epoch:?}");
            assert_eq!(
                applied(Profile::subnet_2026_02_24(), personas, epoch),
                subnet,
                "{personas:?} {epoch:?}"
            );
        };
        check(None, None, None, Some((1056, 5)));
        check(Some(0), None, None, None);
        check(Some(3), None, Some((1056, 3)), Some((1056, 3)));
        check(Some(3), Some(0), Some((0, 3)), Some((0, 3)));
        assert_eq!(applied(Profile::subnet_2026_02_24(), None, Some(7)), Some((7, 5)));
    }

    #[test]
    fn an_epoch_without_personas_is_a_mistake() {
        for personas in [None, Some(0)] {
            let problem = PersonaArgs { personas, epoch: Some(7) }.apply(Profile::default()).unwrap_err();
            assert!(problem.to_string().contains("add --personas"), "{problem}");
        }
    }

    #[test]
    fn a_notice_names_them() {
        assert_eq!(notice(&Profile::default()), None);
        let notice = notice(&Profile::subnet_2026_02_24()).unwrap();
        assert!(
            notice.starts_with("personas: 5, from Jordan Rivera (Summit Innovations, epoch 1056) … Quinn"),
            "{notice}"
        );
    }
}
