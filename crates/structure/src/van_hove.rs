//! How far atoms went: the self part of the van Hove correlation and its tail.

use serde::Serialize;

use crate::histogram::{Histogram, round_width};

/// Median of the length of a vector whose three components are Gaussian of width 1.
const MAXWELL_MEDIAN: f64 = 1.538_172_254_455_05;
/// The tail begins at so many widths of the core, unless told: of a Gaussian, 1.1 in a thousand
/// atoms are beyond.
const TAIL_BEGINS: f64 = 4.0;
/// Bins in a width of the core.
const BINS_A_WIDTH: f64 = 8.0;
/// Fewest atoms in a tail that is fitted.
const LEAST_TAIL: usize = 10;
/// Intervals of the integrals of the tail.
const INTERVALS: usize = 1000;
/// The weight exp(−50) ends an integral without an end.
const NEGLIGIBLE: f64 = 50.0;

/// From where to where the tail is fitted `[length]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TailRange {
    /// Displacements longer than this belong to it.
    pub from: f64,
    /// Those longer than this do not; `None` for a tail without end.
    pub to: Option<f64>,
}

impl TailRange {
    /// From four widths of the core on, the width being that of the Gaussian with the median of these
    /// lengths, which a tail hardly moves.
    pub fn beyond_core(lengths: &[f64]) -> Self {
        Self {
            from: TAIL_BEGINS * core_width(lengths),
            to: None,
        }
    }

    fn holds(&self, length: f64) -> bool {
        length > self.from && self.to.is_none_or(|to| length <= to)
    }
}

/// The self part of the van Hove correlation, G_s(r) = (1/N) Σᵢ δ(r − uᵢ), averaged over
/// directions and bins: the density of the ends of the displacements `[1 / length³]`, so that
/// ∫ 4π r² G_s dr = 1 (van Hove, Phys. Rev. 95, 249, 1954).
///
/// Ideal diffusion makes it a Gaussian; atoms of a glass that hop now and then give it an
/// exponential tail (Chaudhuri, Berthier & Kob, Phys. Rev. Lett. 99, 060604, 2007).
#[derive(Clone, Debug, PartialEq)]
pub struct VanHove {
    /// Number of displacements by their lengths.
    pub histogram: Histogram,
    /// ⟨u²⟩ `[length²]`.
    pub mean_square: f64,
    /// α₂ = 3⟨u⁴⟩/(5⟨u²⟩²) − 1, zero for a Gaussian (Rahman, Phys. Rev. 136, A405, 1964); `None`
    /// where nothing moved.
    pub non_gaussian: Option<f64>,
    /// Width of each component of the Gaussian with the same median length `[length]`.
    pub core_width: f64,
    /// The fit of the tail; `None` where fewer than ten atoms are in it, or where it does not decay.
    pub tail: Option<ExponentialTail>,
}

impl VanHove {
    /// The correlation of displacements of these lengths in bins of a width from
    /// [`VanHove::bin_width`], its tail fitted over a range.
    pub fn new(lengths: &[f64], bin_width: f64, range: TailRange) -> Self {
        let moment = |power: i32| {
            lengths.iter().map(|u| u.powi(power)).sum::<f64>() / lengths.len().max(1) as f64
        };
        let (second, fourth) = (moment(2), moment(4));
        let mut histogram = Histogram::of_width(lengths, bin_width);
        // From zero on, also where no atom stayed.
        let missing = (histogram.from / bin_width).round() as usize;
        histogram.counts.splice(0..0, vec![0; missing]);
        histogram.from = 0.0;
        Self {
            histogram,
            mean_square: second,
            non_gaussian: (second > 0.0).then(|| 0.6 * fourth / (second * second) - 1.0),
            core_width: core_width(lengths),
            tail: ExponentialTail::fit(lengths, range),
        }
    }

    /// A round bin width that shows the core of these displacements and holds them in 400 bins.
    pub fn bin_width(lengths: &[f64]) -> f64 {
        let longest = lengths.iter().copied().fold(0.0, f64::max);
        round_width(&[0.0, longest], core_width(lengths) / BINS_A_WIDTH)
    }

    /// G_s in each bin `[1 / length³]`.
    pub fn density(&self) -> Vec<f64> {
        let atoms = self.histogram.counts.iter().sum::<usize>().max(1) as f64;
        let counts = self.histogram.counts.iter().enumerate();
        counts
            .map(|(bin, &count)| {
                let (low, high) = self.histogram.edges(bin);
                let shell = 4.0 / 3.0 * std::f64::consts::PI * (high.powi(3) - low.powi(3));
                count as f64 / (atoms * shell)
            })
            .collect()
    }
}

fn core_width(lengths: &[f64]) -> f64 {
    let mut lengths = lengths.to_vec();
    let middle = lengths.len() / 2;
    if lengths.is_empty() {
        return 0.0;
    }
    let (_, median, _) = lengths.select_nth_unstable_by(middle, f64::total_cmp);
    *median / MAXWELL_MEDIAN
}

/// The tail of G_s as an exponential, G_s ∝ exp(−r/λ).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ExponentialTail {
    /// Where it was fitted.
    #[serde(flatten)]
    pub range: TailRange,
    /// Displacements in it.
    pub atoms: usize,
    /// λ of the maximum of the likelihood Π r² exp(−r/λ)/Z over the displacements in the range
    /// `[length]`.
    pub decay_length: f64,
    /// Its standard error from the Fisher information, for independent atoms `[length]`.
    pub decay_length_error: f64,
    /// Logarithm of the likelihood of this tail over that of the best Gaussian one: above zero where
    /// an exponential describes it better. `None` where no Gaussian decays so.
    pub over_gaussian: Option<f64>,
}

impl ExponentialTail {
    /// Fits the lengths within a range by maximum likelihood; `None` where they are fewer than ten, or
    /// do not decay.
    pub fn fit(lengths: &[f64], range: TailRange) -> Option<Self> {
        let tail: Vec<f64> = lengths
            .iter()
            .copied()
            .filter(|u| range.holds(*u))
            .collect();
        if tail.len() < LEAST_TAIL {
            return None;
        }
        let exponential = Decay::Exponential.fit(&tail, range)?;
        let gaussian = Decay::Gaussian.fit(&tail, range);
        let count = tail.len() as f64;
        let decay_length = 1.0 / exponential.rate;
        Some(Self {
            range,
            atoms: tail.len(),
            decay_length,
            decay_length_error: decay_length.powi(2) / (count * exponential.variance).sqrt(),
            over_gaussian: gaussian.map(|gaussian| {
                count * (exponential.mean_log_likelihood - gaussian.mean_log_likelihood)
            }),
        })
    }
}

/// How a tail decays: p(r) ∝ r² exp(−θ h(r)).
#[derive(Clone, Copy)]
enum Decay {
    /// h = r.
    Exponential,
    /// h = r²/2.
    Gaussian,
}

/// The member of a family of highest likelihood.
struct Fitted {
    /// θ.
    rate: f64,
    /// Variance of h.
    variance: f64,
    /// Mean of ln p − ln r².
    mean_log_likelihood: f64,
}

impl Decay {
    /// h(r) − h(from).
    fn growth(self, from: f64, r: f64) -> f64 {
        match self {
            Self::Exponential => r - from,
            Self::Gaussian => 0.5 * (r - from) * (r + from),
        }
    }

    /// The r at which h has grown by so much.
    fn length_at(self, from: f64, growth: f64) -> f64 {
        match self {
            Self::Exponential => from + growth,
            Self::Gaussian => (from * from + 2.0 * growth).sqrt(),
        }
    }

    /// Moments of h − h(from) with a rate, down to a negligible weight.
    fn moments(self, range: TailRange, rate: f64) -> Moments {
        let end = self.length_at(range.from, NEGLIGIBLE / rate);
        let end = range.to.map_or(end, |to| end.min(to));
        moments(range.from, end, rate, |r| self.growth(range.from, r))
    }

    /// The θ > 0 at which the mean of h is that of the sample: the one maximum of the likelihood.
    fn fit(self, tail: &[f64], range: TailRange) -> Option<Fitted> {
        let growth = tail.iter().map(|r| self.growth(range.from, *r));
        let mean = growth.sum::<f64>() / tail.len() as f64;
        if !(mean > 0.0 && mean.is_finite()) {
            return None;
        }
        // Without decay at all, the mean is as large as it gets.
        if let Some(to) = range.to {
            let flat = moments(range.from, to, 0.0, |r| self.growth(range.from, r));
            if mean >= flat.mean {
                return None;
            }
        }
        let (mut low, mut high) = (0.0, 1.0 / mean);
        while self.moments(range, high).mean > mean {
            low = high;
            high *= 2.0;
        }
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if self.moments(range, middle).mean > mean {
                low = middle;
            } else {
                high = middle;
            }
        }
        let rate = 0.5 * (low + high);
        let found = self.moments(range, rate);
        Some(Fitted {
            rate,
            variance: found.variance,
            mean_log_likelihood: -rate * mean - found.total.ln(),
        })
    }
}

struct Moments {
    total: f64,
    mean: f64,
    variance: f64,
}

/// Moments of h under the weight r² exp(−θ h(r)) between two lengths, by Simpson's rule.
fn moments(from: f64, to: f64, rate: f64, h: impl Fn(f64) -> f64) -> Moments {
    let step = (to - from) / INTERVALS as f64;
    let (mut total, mut first, mut second) = (0.0, 0.0, 0.0);
    for k in 0..=INTERVALS {
        let r = from + step * k as f64;
        let simpson = match k {
            0 | INTERVALS => 1.0,
            k if k % 2 == 1 => 4.0,
            _ => 2.0,
        };
        let value = h(r);
        let weight = simpson / 3.0 * step * r * r * (-rate * value).exp();
        total += weight;
        first += weight * value;
        second += weight * value * value;
    }
    let mean = first / total;
    Moments {
        total,
        mean,
        variance: second / total - mean * mean,
    }
}
