//! Which instructions evaluate the pairs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::UnknownName;

/// The code path of the pair sums. Results agree to rounding between kernels, and bit by bit
/// between runs of one kernel, so `run.json` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Kernel {
    /// Plain code, the same on every machine: the reference.
    Portable,
    /// Four lanes, AVX2 and FMA.
    Avx2,
    /// Eight lanes, AVX-512.
    Avx512,
}

impl Kernel {
    /// The fastest kernel of this machine.
    pub fn detect() -> Self {
        [Self::Avx512, Self::Avx2]
            .into_iter()
            .find(|kernel| kernel.is_available())
            .unwrap_or(Self::Portable)
    }

    /// Whether this machine has the instructions.
    pub fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq")
            }
            #[cfg(not(target_arch = "x86_64"))]
            _ => false,
        }
    }

    /// This kernel where the machine has it, the portable one where not.
    #[must_use]
    pub fn or_portable(self) -> Self {
        if self.is_available() {
            self
        } else {
            Self::Portable
        }
    }
}

impl Default for Kernel {
    fn default() -> Self {
        Self::detect()
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        })
    }
}

impl FromStr for Kernel {
    type Err = UnknownName;
    /// `auto` stands for [`Kernel::detect`].
    fn from_str(name: &str) -> Result<Self, UnknownName> {
        match name {
            "auto" => Ok(Self::detect()),
            "portable" => Ok(Self::Portable),
            "avx2" => Ok(Self::Avx2),
            "avx512" => Ok(Self::Avx512),
            _ => Err(UnknownName {
                what: "kernel",
                given: name.to_owned(),
                expected: "auto, portable, avx2, avx512",
            }),
        }
    }
}

impl TryFrom<String> for Kernel {
    type Error = UnknownName;
    fn try_from(name: String) -> Result<Self, UnknownName> {
        name.parse()
    }
}

impl From<Kernel> for String {
    fn from(kernel: Kernel) -> Self {
        kernel.to_string()
    }
}
