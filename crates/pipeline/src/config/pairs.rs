//! How many pairs of trajectories: one number for all rates, or a list with one for each.

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// How many independent pairs of +strain and -strain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Pairs {
    /// The same number at each rate.
    Each(usize),
    /// One number for each rate, in the order of the rates.
    ByRate(Vec<usize>),
}

impl Default for Pairs {
    fn default() -> Self {
        Self::Each(1)
    }
}

struct NumberOrList;

impl<'de> Visitor<'de> for NumberOrList {
    type Value = Pairs;

    fn expecting(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        formatter.write_str("a number of pairs, or one for each rate as [16, 4]")
    }

    fn visit_u64<E: Error>(self, pairs: u64) -> Result<Pairs, E> {
        Ok(Pairs::Each(pairs as usize))
    }

    fn visit_i64<E: Error>(self, pairs: i64) -> Result<Pairs, E> {
        let pairs = u64::try_from(pairs)
            .map_err(|_| E::custom(format!("pairs must be at least 1, got {pairs}")))?;
        self.visit_u64(pairs)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Pairs, A::Error> {
        let mut pairs = Vec::new();
        while let Some(number) = list.next_element()? {
            pairs.push(number);
        }
        Ok(Pairs::ByRate(pairs))
    }
}

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberOrList)
    }
}
