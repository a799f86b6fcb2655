//! Findings and events as a run on a small glass would leave them, made up from formulas.

use metabasin_atoms::PlasticVolume;
use metabasin_catalogue::EventRecord;
use metabasin_files::findings::*;

/// A generator of even, reproducible numbers in [0, 1): the fractional parts of n φ and n √2.
pub struct Even(u64);

impl Even {
    /// Starts the sequence at `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number in [0, 1).
    pub fn uniform(&mut self) -> f64 {
        // One step of SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A number of zero mean and unit variance, nearly normal.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

const MODULUS: f64 = 17.0;

fn loading(rate: f64, md: bool, random: &mut Even) -> LoadingFindings {
    let softening = 0.02 + 0.035 * (9.3 - rate.log10()) / 5.0;
    let noise = if md { 0.02 } else { 0.001 };
    let count = if md { 400 } else { 200 };
    let residual = 0.0012 + 0.0006 * (9.0 - rate.log10());
    let stress = |strain: f64| MODULUS * strain * (1.0 - softening * strain / 0.002);
    let top = stress(0.02);
    let mut curve = |from: f64, to: f64, stress: &dyn Fn(f64) -> f64| {
        let x: Vec<f64> = (0..count)
            .map(|i| from + (to - from) * f64::from(i) / f64::from(count - 1))
            .collect();
        Curve {
            y: x.iter()
                .map(|x| stress(*x) + noise * random.normal())
                .collect(),
            y_error: Some(vec![if md { 0.02 } else { 0.004 }; x.len()]),
            x,
        }
    };
    let loaded = curve(0.0, 0.02, &stress);
    let unloaded = curve(0.02, residual - 0.002, &|x: f64| {
        top * (x - residual) / (0.02 - residual)
    });
    let duration = 0.02 / rate;
    let times: Vec<f64> = (0..=300).map(|i| duration * f64::from(i) / 300.0).collect();
    let recovery = Curve {
        y: times
            .iter()
            .map(|time| {
                residual * (1.0 - 0.35 * (1.0 + 200.0 * time / duration).ln() / 5.3)
                    + if md { 0.0006 } else { 2e-5 } * random.normal()
            })
            .collect(),
        y_error: Some(vec![if md { 0.0008 } else { 0.0001 }; times.len()]),
        x: times,
    };
    LoadingFindings {
        replicas: 1,
        realizations: if md { 2 } else { 16 },
        unloaded: if md { 2 } else { 16 },
        recovered: if md { 2 } else { 16 },
        loading: loaded,
        unloading: unloaded,
        shear_modulus: Some(Measured::within(MODULUS, 0.3)),
        residual_strain: Some(Measured::within(
            residual + if md { 0.0006 * random.normal() } else { 0.0 },
            if md { 0.002 } else { 0.0002 },
        )),
        recovery,
        recovered_strain: Some(Measured::within(
            0.3 * residual,
            if md { 0.0011 } else { 0.0001 },
        )),
        recovery_half_time: Some(Measured::bare(0.2 * duration)),
        events_loading: (!md).then_some(1234),
    }
}

/// The rates of the findings, fastest first; MD at the first two.
pub const RATES: [f64; 7] = [1e9, 2e8, 1e8, 1e7, 1e6, 1e5, 1e4];

fn text(name: &str, value: &str, unit: &str, source: &str) -> Quantity {
    Quantity {
        name: name.to_owned(),
        value: value.to_owned(),
        unit: unit.to_owned(),
        source: source.to_owned(),
    }
}

fn glass(random: &mut Even) -> GlassFindings {
    let temperatures: Vec<f64> = (0..600).map(|i| 0.8 - 0.7 * f64::from(i) / 599.0).collect();
    let enthalpy = |t: f64| -6.9 + 2.6 * t + (t - 0.38).max(0.0) * 1.5;
    let line = |slope: f64, offset: f64, from: f64, to: f64| Curve {
        x: vec![from, to],
        y: vec![offset + slope * from, offset + slope * to],
        y_error: None,
    };
    GlassFindings {
        atoms: 500,
        origin: "melted at T = 0.8, cooled at P = 0 in 4,000 τ".to_owned(),
        temperature: 0.28,
        fictive_temperature: Some(Measured::within(0.381, 0.012)),
        cooling: Some(Curve {
            y: temperatures
                .iter()
                .map(|t| enthalpy(*t) + 0.015 * random.normal())
                .collect(),
            x: temperatures,
            y_error: None,
        }),
        cooling_lines: vec![line(4.1, -7.47, 0.3, 0.8), line(2.6, -6.9, 0.1, 0.5)],
        inherent_energy_per_atom: Some(-6.8412),
        icosahedral_fraction_of_small: Some(0.182),
        icosahedral_largest_cluster: Some(21),
        crystallization: None,
    }
}

fn comparison() -> Vec<ComparisonRow> {
    vec![
        ComparisonRow {
            quantity: "shear_modulus".to_owned(),
            rate_per_second: Some(1e9),
            md: Some(17.02),
            md_error: Some(0.31),
            md_independent: 4,
            kmc: Some(16.8),
            kmc_error: Some(0.1),
            kmc_independent: 16,
            agrees: Some(true),
        },
        ComparisonRow {
            quantity: "residual_strain".to_owned(),
            rate_per_second: Some(1e9),
            md: Some(0.0011),
            md_error: Some(0.002),
            md_independent: 4,
            kmc: Some(0.0062),
            kmc_error: Some(0.0002),
            kmc_independent: 16,
            agrees: Some(false),
        },
        ComparisonRow {
            quantity: "energy_drop".to_owned(),
            rate_per_second: None,
            md: Some(-8.2e-4),
            md_error: None,
            md_independent: 0,
            kmc: Some(-1.1e-3),
            kmc_error: Some(1e-4),
            kmc_independent: 16,
            agrees: None,
        },
    ]
}

/// Findings of a whole run.
pub fn findings() -> Findings {
    let mut random = Even::new(7);
    let rates: Vec<RateFindings> = RATES
        .iter()
        .enumerate()
        .map(|(i, &rate)| RateFindings {
            rate_per_second: rate,
            md: (i < 2).then(|| loading(rate, true, &mut random)),
            kmc: Some(loading(rate, false, &mut random)),
        })
        .collect();
    let drop = |times: Vec<f64>, noise: f64, random: &mut Even| Curve {
        y: times
            .iter()
            .map(|t| -2.2e-4 * (1.0 + t / 2e-12).ln() + noise * random.normal())
            .collect(),
        y_error: Some(vec![noise; times.len()]),
        x: times,
    };
    let md_times = (0..=100).map(|i| f64::from(i) * 1e-12).collect();
    let kmc_times = (0..=120)
        .map(|i| 1e-12 * 10f64.powf(f64::from(i) / 20.0))
        .collect();
    Findings {
        title: "Demo: a small Wahnström glass under shear".to_owned(),
        samples: 1,
        caveats: vec![
            "500 atoms: the strain at zero stress fluctuates by about 0.007; a residual strain of \
             0.001 to 0.003 is below that."
                .to_owned(),
            "The rates are not the paper's: MD at 1e9 and 2e8 /s.".to_owned(),
            "Attempt frequency declared, not measured (band 0.3 to 3).".to_owned(),
        ],
        glass: glass(&mut random),
        zero_load_md: Some(drop(md_times, 6e-5, &mut random)),
        zero_load_kmc: Some(drop(kmc_times, 2e-5, &mut random)),
        landscape: Some(LandscapeFindings {
            outcomes: vec![
                ("connected".to_owned(), 139),
                ("disconnected".to_owned(), 24),
                ("lost_negative_curvature".to_owned(), 17),
                ("out_of_budget".to_owned(), 9),
                ("index_not_one".to_owned(), 3),
            ],
            distinct: 100,
            force_evaluations_per_event: Some(1834.0),
            coverage: Some(0.41),
            chao1: Some(346.0),
            window: Some(1.52),
            compliance: None,
        }),
        comparison: comparison(),
        rates,
        signatures: vec![
            Signature {
                name: "Residual strain grows as the rate falls".to_owned(),
                method: "MD".to_owned(),
                verdict: Verdict::NotResolvable,
                evidence: "0.0012 ± 0.0020 at 1e9 /s, 0.0019 ± 0.0020 at 2e8 /s".to_owned(),
            },
            Signature {
                name: "Residual strain grows as the rate falls".to_owned(),
                method: "KMC".to_owned(),
                verdict: Verdict::Present,
                evidence: "0.0012 ± 0.0002 at 1e9 /s, 0.0042 ± 0.0002 at 1e4 /s".to_owned(),
            },
            Signature {
                name: "Stress of icosahedral atoms is higher".to_owned(),
                method: "MD".to_owned(),
                verdict: Verdict::Absent,
                evidence: "difference −0.02 ± 0.005".to_owned(),
            },
        ],
        measured: vec![
            text(
                "Shear modulus G",
                "17.02 ± 0.31",
                "ε/σ³",
                "03-shear: slope of τ(γ), γ < 0.01",
            ),
            text(
                "Residual strain at 1e9 /s",
                "0.0012 ± 0.0020",
                "",
                "04-unload: root of the line",
            ),
        ],
        assumed: vec![text(
            "Attempt frequency ν₀",
            "1e13",
            "1/s (mapped)",
            "declared; Vineyard prefactors are not computed in this run",
        )],
    }
}

/// An event with everything that the figures read, verified.
pub fn event(id: u64, barrier: f64, volume: Option<f64>, hits: u64) -> EventRecord {
    EventRecord {
        id,
        first_search: id,
        barrier_forward: barrier,
        barrier_reverse: 0.5 * barrier,
        energy_minimum: -3420.0,
        energy_saddle: -3420.0 + barrier,
        energy_final: -3420.0 + 0.5 * barrier,
        lowest_eigenvalue: -3.0,
        plastic_saddle: volume.map(|volume| PlasticVolume([0.0, 0.0, 0.0, 0.5 * volume, 0.0, 0.0])),
        center: [1.0, 2.0, 3.0],
        participation: 6.0,
        largest_displacement: 0.6,
        species: 1,
        structure_class: Some(
            if id.is_multiple_of(4) {
                "icosahedral"
            } else {
                "other"
            }
            .to_owned(),
        ),
        largest_force_saddle: 1e-9,
        converged: true,
        index: 1,
        index_method: "inertia".to_owned(),
        connected: true,
        hits,
        ..EventRecord::default()
    }
}

/// A hundred events: barriers from 0.1 to 13, activation volumes of both signs.
pub fn events() -> Vec<EventRecord> {
    let mut random = Even::new(11);
    (1..=100)
        .map(|id| {
            let u = random.uniform();
            let barrier = (0.1 + 2.2 * (1.0 / (1.0 - u)).ln().powf(1.1)).min(13.0);
            let volume = -0.15 + 0.7 * random.normal();
            let hits = 1 + (2.2 * random.uniform() * random.uniform()) as u64;
            event(id, barrier, Some(volume), hits)
        })
        .collect()
}
